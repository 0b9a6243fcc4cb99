//! The roles of a new service, and the files of its crate.

use clap::ValueEnum;

/// The kind of a new service.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Role {
    /// A greeter with a counter: the smallest service that shows every part
    Basic,
    /// Records with an id: create, read, update with a version check, delete, list by pages
    Entity,
    /// Keys and values, with a time to live and a search by prefix
    Storage,
    /// Heavy work on the worker pool, while other calls stay fast
    Compute,
}

/// The files of one role. Its service is that of the example with the same name, so that both stay
/// the same code.
struct RoleTemplates {
    service: &'static str,
    /// The type and the name of the service in `service`.
    placeholders: [&'static str; 2],
    tests: &'static str,
    /// The calls in the README and in the next steps.
    public_call: &'static str,
    private_call: &'static str,
}

/// A file of the new crate, with placeholders.
pub(crate) struct Template {
    /// Its path in the crate.
    pub(crate) path: &'static str,
    pub(crate) text: &'static str,
}

/// The files of all roles.
const COMMON: [Template; 9] = [
    Template { path: "Cargo.toml", text: include_str!("../templates/common/manifest.toml") },
    Template { path: "README.md", text: include_str!("../templates/common/README.md") },
    Template { path: ".gitignore", text: include_str!("../templates/common/gitignore") },
    // The style in which the code is written, so that formatting does not change it.
    Template { path: "rustfmt.toml", text: include_str!("../templates/rustfmt.toml") },
    Template { path: "src/main.rs", text: include_str!("../templates/common/src/main.rs") },
    Template { path: "src/lib.rs", text: include_str!("../templates/common/src/lib.rs") },
    Template { path: "templates/stats.hbs", text: include_str!("../templates/common/templates/stats.hbs") },
    Template { path: "static/style.css", text: include_str!("../templates/common/static/style.css") },
    Template { path: "tests/pages.rs", text: include_str!("../templates/common/tests/pages.rs") },
];

impl Role {
    /// Returns all files of a crate with this role.
    pub(crate) fn templates(self) -> impl Iterator<Item = Template> {
        let RoleTemplates { service, tests, .. } = self.role_templates();
        let own =
            [Template { path: "src/service.rs", text: service }, Template { path: "tests/service.rs", text: tests }];
        COMMON.into_iter().chain(own)
    }

    /// Returns the placeholders for the type in this role's files.
    pub(crate) fn type_placeholders(self) -> [&'static str; 2] {
        ["MyService", self.role_templates().placeholders[0]]
    }

    /// Returns the placeholders for the crate in this role's files.
    pub(crate) fn crate_placeholders(self) -> [&'static str; 2] {
        ["my_service", self.role_templates().placeholders[1]]
    }

    /// Returns a request that shows a new user that the service works.
    pub(crate) fn public_call(self) -> &'static str {
        self.role_templates().public_call
    }

    /// Returns a request that needs the token.
    pub(crate) fn private_call(self) -> &'static str {
        self.role_templates().private_call
    }

    fn role_templates(self) -> RoleTemplates {
        match self {
            Self::Basic => RoleTemplates {
                service: include_str!("../templates/basic/service.rs"),
                placeholders: ["MyService", "my_service"],
                tests: include_str!("../templates/basic/tests.rs"),
                public_call: r#"{"jsonrpc":"2.0","method":"say_hello","params":{"name":"world"},"id":2}"#,
                private_call: r#"{"jsonrpc":"2.0","method":"say_private_hello","params":{"name":"you"},"id":3}"#,
            },
            Self::Entity => RoleTemplates {
                service: include_str!("../templates/entity/service.rs"),
                placeholders: ["Users", "example.users"],
                tests: include_str!("../templates/entity/tests.rs"),
                public_call: r#"{"jsonrpc":"2.0","method":"create","params":{"name":"Ada","email":"ada@example.org"},"id":2}"#,
                private_call: r#"{"jsonrpc":"2.0","method":"delete","params":{"id":1,"version":1},"id":3}"#,
            },
            Self::Storage => RoleTemplates {
                service: include_str!("../templates/storage/service.rs"),
                placeholders: ["KeyValues", "example.storage"],
                tests: include_str!("../templates/storage/tests.rs"),
                public_call: r#"{"jsonrpc":"2.0","method":"put","params":{"key":"a","value":1,"ttl_ms":60000},"id":2}"#,
                private_call: r#"{"jsonrpc":"2.0","method":"clear","id":3}"#,
            },
            Self::Compute => RoleTemplates {
                service: include_str!("../templates/compute/service.rs"),
                placeholders: ["Primes", "example.compute"],
                tests: include_str!("../templates/compute/tests.rs"),
                public_call: r#"{"jsonrpc":"2.0","method":"primes_up_to","params":{"limit":1000000},"id":2}"#,
                private_call: r#"{"jsonrpc":"2.0","method":"reset","id":3}"#,
            },
        }
    }
}
