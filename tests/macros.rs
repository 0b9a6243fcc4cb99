//! The code that `#[service]` writes, as users see it: names, parameters, options, messages,
//! schemas.

use std::collections::BTreeMap;
use std::time::Duration;

use callbox::{
    Access, CallContext, Caller, FromCall, Handles, Message, MethodKind, MethodOptions, MethodTable, RpcError, Service,
    service,
};
use schemars::schema_for;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, from_value, json, to_value};

/// A table that keeps what a service says of its methods, by name.
struct Listed<S> {
    methods: BTreeMap<&'static str, Entry>,
    service: std::marker::PhantomData<S>,
}

struct Entry {
    params: &'static [&'static str],
    kind: MethodKind,
    options: String,
}

impl<S: Service> MethodTable<S> for Listed<S> {
    fn add<M: Message>(&mut self, options: MethodOptions)
    where
        S: Handles<M>,
    {
        let entry = Entry { params: M::PARAMS, kind: S::HANDLER.kind(), options: format!("{options:?}") };
        assert!(self.methods.insert(M::NAME, entry).is_none(), "`{}` is listed twice", M::NAME);
    }
}

fn listed<S: Service>() -> BTreeMap<&'static str, Entry> {
    let mut table = Listed::<S> { methods: BTreeMap::new(), service: std::marker::PhantomData };
    S::methods(&mut table);
    table.methods
}

struct Tenant;

impl FromCall for Tenant {
    fn from_call(_: &CallContext) -> Result<Self, RpcError> {
        Ok(Self)
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
struct Page {
    size: u32,
}

/// A service with one of everything.
#[derive(Default)]
struct Library {
    books: Vec<String>,
    open: bool,
}

impl Library {
    const LARGEST: Page = Page { size: 50 };
}

#[service(name = "city.books", namespace = "library", on_panic = "keep")]
impl Library {
    /// Adds a book.
    ///
    ///     indented
    /// Twice if need be.
    #[public_method]
    fn add_book(&mut self, title: String) {
        self.books.push(title);
    }

    #[public_method(
        name = "findBooks",
        message = "Find",
        mailbox = 256,
        mailbox_group = "reads",
        deadline = "1.5s",
        weight = 4,
        in_flight = 8
    )]
    pub(crate) async fn search(
        &self,
        /// What to look for.
        text: String,
        #[param(rename = "type")] kind: Option<String>,
        #[param(default = Self::LARGEST)] page: Page,
        r#in: Option<Option<u8>>,
        #[param(rest)] extra: Map<String, Value>,
    ) -> Result<Vec<String>, RpcError> {
        let _ = (kind, page, r#in, extra);
        Ok(self.books.iter().filter(|book| book.contains(&text)).cloned().collect())
    }

    #[public_method(on_panic = "restart")]
    async fn close(&mut self, _call: &CallContext) -> bool {
        std::mem::take(&mut self.open)
    }

    #[public_method(compute, idempotent)]
    fn digest(text: String) -> usize {
        text.len()
    }

    #[private_api_method]
    fn lend(&mut self, caller: &Caller, title: String, _tenant: &Tenant) -> Result<String, RpcError> {
        Ok(format!("{title} to {:?}", caller.name()))
    }

    /// Reads nothing of the request but its caller.
    #[public_method]
    fn reader(&self, caller: &Caller) -> bool {
        caller.is_authenticated()
    }

    #[private_api_method(scope = "admin")]
    fn r#type(&self) -> Page {
        Self::helper();
        Page { size: 1 }
    }

    #[cfg(any())]
    #[public_method]
    fn never(&self, absent: Absent) -> Absent {}

    #[cfg(test)]
    #[public_method]
    fn sometimes(&self) {}

    #[cfg(not(test))]
    #[public_method]
    fn sometimes(&self) -> Absent {}

    #[on_start]
    async fn open(&mut self) -> Result<(), std::num::ParseIntError> {
        self.open = "1".parse::<u8>()? == 1;
        Ok(())
    }

    #[on_stop]
    fn lock(&mut self) {
        self.open = false;
    }

    fn helper() {}
}

#[test]
fn a_service_has_its_names_and_lists_its_methods() {
    assert_eq!((Library::NAME, Library::NAMESPACE), ("city.books", Some("library")));
    let names: Vec<_> = listed::<Library>().into_keys().collect();
    assert_eq!(names, ["add_book", "close", "digest", "findBooks", "lend", "reader", "sometimes", "type"]);
}

#[test]
fn the_way_a_method_takes_self_is_its_kind() {
    let methods = listed::<Library>();
    for (name, kind) in [
        ("add_book", MethodKind::Write),
        ("close", MethodKind::WriteAsync),
        ("digest", MethodKind::Compute),
        ("findBooks", MethodKind::ReadAsync),
        ("type", MethodKind::Read),
    ] {
        assert_eq!(methods[name].kind, kind, "{name}");
    }
}

#[test]
fn parameters_are_listed_by_their_names_on_the_wire_without_rest_and_injected_ones() {
    let methods = listed::<Library>();
    assert_eq!(methods["findBooks"].params, ["text", "type", "page", "in"]);
    assert_eq!(methods["lend"].params, ["title"]);
    assert!(methods["close"].params.is_empty());
}

#[test]
fn keys_become_options_and_what_is_not_set_keeps_its_default() {
    let methods = listed::<Library>();
    let options = |name: &str| &methods[name].options;
    let same = |name: &str, expected: MethodOptions| assert_eq!(*options(name), format!("{expected:?}"), "{name}");
    let client = |function| MethodOptions::public().client(function);
    let keep = callbox::OnPanic::Keep;

    same("findBooks", MethodOptions::public().mailbox(256).group("reads").weight(4).in_flight(8));
    // `findBooks` has none: its schema does not tell null from what is left out.
    same(
        "add_book",
        client("LibraryClient::add_book").doc("Adds a book.\n\n    indented\nTwice if need be.").on_panic(keep),
    );
    same("close", client("LibraryClient::close").injects::<CallContext>());
    same("lend", MethodOptions::private().client("LibraryClient::lend").on_panic(keep).injects::<CallContext>());
    same(
        "reader",
        client("LibraryClient::reader").doc("Reads nothing of the request but its caller.").injects::<Caller>(),
    );
    same("type", MethodOptions::scoped("admin").client("LibraryClient::r#type"));
    same("digest", client("LibraryClient::digest"));
    assert!(options("type").contains(&format!("{:?}", Access::Scope("admin"))));
}

#[test]
fn deadline_and_idempotence_are_constants_of_the_message() {
    assert_eq!((Find::DEADLINE, Find::IDEMPOTENT), (Duration::from_millis(1500), false));
    assert_eq!((Library_AddBook::DEADLINE, Library_AddBook::IDEMPOTENT), (Duration::from_secs(30), false));
    assert_eq!((Library_Digest::DEADLINE, Library_Digest::IDEMPOTENT), (Duration::from_secs(30), true));
}

#[test]
fn a_message_is_read_with_its_defaults_and_written_as_it_was_read() {
    let found: Find = from_value(json!({ "text": "rust", "year": 2015 })).unwrap();
    assert_eq!((found.text.as_str(), &found.kind, found.page, found.r#in), ("rust", &None, Page { size: 50 }, None));
    assert_eq!(found.extra["year"], 2015);

    let all = json!({ "text": "rust", "type": "novel", "page": { "size": 3 }, "in": 7, "year": 2015 });
    assert_eq!(to_value(from_value::<Find>(all.clone()).unwrap()).unwrap(), all);
}

#[test]
fn an_option_of_an_option_distinguishes_null_from_what_is_left_out() {
    let read = |json: Value| from_value::<Find>(json).unwrap().r#in;
    assert_eq!(read(json!({ "text": "rust" })), None);
    assert_eq!(read(json!({ "text": "rust", "in": null })), Some(None));
    assert_eq!(read(json!({ "text": "rust", "in": 7 })), Some(Some(7)));
    let write = |r#in| {
        let found = Find { text: String::new(), kind: None, page: Page { size: 1 }, r#in, extra: Map::new() };
        to_value(found).unwrap().get("in").cloned()
    };
    assert_eq!((write(None), write(Some(None)), write(Some(Some(7)))), (None, Some(json!(null)), Some(json!(7))));
    let schema = to_value(schema_for!(Find)).unwrap();
    assert_eq!(schema["properties"]["in"]["type"], json!(["integer", "null"]), "{schema}");
}

#[test]
fn a_message_without_rest_refuses_what_it_does_not_know() {
    assert!(from_value::<Library_AddBook>(json!({ "title": "Emma" })).is_ok());
    let error = from_value::<Library_AddBook>(json!({ "title": "Emma", "autor": "Austen" })).err().unwrap();
    assert!(error.to_string().contains("`autor`"), "{error}");
    assert!(from_value::<Library_Close>(json!({})).is_ok() && from_value::<Library_Close>(json!({ "x": 1 })).is_err());
}

#[test]
fn a_schema_has_the_docs_the_required_parameters_and_the_defaults() {
    let schema = to_value(schema_for!(Library_AddBook)).unwrap();
    assert!(schema["description"].as_str().unwrap().starts_with("Adds a book."), "{schema}");
    assert_eq!(schema["additionalProperties"], false);

    let schema = to_value(schema_for!(Find)).unwrap();
    assert_eq!(schema["required"], json!(["text"]));
    assert_eq!(schema["properties"]["text"]["description"], "What to look for.");
    assert_eq!(schema["properties"]["page"]["default"], json!({ "size": 50 }));
    assert!(schema["properties"]["type"].is_object(), "{schema}");
}

mod outside {
    pub(crate) mod inside {
        use callbox::service;

        #[derive(Default)]
        pub(crate) struct Counter(u64);

        #[service(vis = "pub(crate)", client = false)]
        impl Counter {
            #[public_method]
            fn add(&mut self, by: u64) -> &'static str {
                self.0 += by;
                "added"
            }
        }
    }
}

#[test]
fn a_visibility_holds_for_messages_and_their_fields_and_a_service_goes_by_its_type() {
    let message = outside::inside::Counter_Add { by: 2 };
    assert_eq!(to_value(&message).unwrap(), json!({ "by": 2 }));
    assert_eq!(outside::inside::Counter::NAME, "Counter");
}

macro_rules! services {
    ($($name:ident: $ty:ty = $result:ty),*) => { $(
        mod $name {
            pub(super) struct Sized;

            #[callbox::service]
            impl Sized {
                #[public_method]
                fn size(&self, of: $ty, #[param(default = 7)] plus: u8) -> $result { let _ = (of, plus); result() }
            }

            fn result<T: Default>() -> T { T::default() }
        }
    )* };
}

services!(small: Option<u8> = u8, large: u64 = Vec<u64>);

#[test]
fn types_may_come_from_a_macro() {
    assert_eq!(listed::<small::Sized>()["size"].params, ["of", "plus"]);
    assert_eq!(listed::<large::Sized>()["size"].params, ["of", "plus"]);
}

struct Forms;

#[service]
impl Forms {
    #[cfg_attr(test, public_method, doc = "Only here.")]
    fn exposed(&self) {}

    #[cfg_attr(any(), public_method)]
    fn hidden(&self, of: usize) -> usize {
        of
    }

    #[cfg_attr(test, public_method(name = "either"))]
    #[cfg_attr(not(test), private_api_method)]
    #[cfg_attr(test, cfg(test))]
    fn both(&self, #[param(default = 7)] of: u8) -> u8 {
        of
    }

    #[public_method]
    #[expect(clippy::needless_arbitrary_self_type, reason = "it may be written like this")]
    fn shared(self: &Self) {}

    #[public_method]
    fn exclusive(self: &mut Forms) {}

    #[public_method]
    fn named<'a>(&'a self, call: &'a CallContext, part: &Part<'a>) -> usize {
        call.method().len() + part.0.len()
    }

    #[public_method(compute)]
    fn computed<'a, 'b: 'a>(call: &'a CallContext, caller: &'b Caller) -> bool {
        caller.name().is_some_and(|name| name == call.method())
    }

    #[public_method]
    async fn waits<'a>(&'a mut self, call: &'a CallContext, caller: &'a Caller) -> bool {
        caller.name() == Some(call.method())
    }

    #[cfg_attr(test, deprecated)]
    #[public_method]
    fn old(&self) {}

    #[cfg_attr(any(), deprecated)]
    #[public_method]
    #[expect(clippy::too_many_arguments, reason = "so does the client")]
    fn long(&self, a: u8, b: u8, c: u8, d: u8, e: u8, f: u8, g: u8) -> u8 {
        a ^ b ^ c ^ d ^ e ^ f ^ g
    }

    #[on_stop]
    #[expect(clippy::needless_lifetimes, reason = "it may be written like this")]
    fn end<'a>(&'a mut self) {}
}

struct Part<'a>(&'a str);

impl FromCall for Part<'_> {
    fn from_call(_: &CallContext) -> Result<Self, RpcError> {
        Ok(Self("part"))
    }
}

#[test]
fn a_method_may_be_written_in_every_form_that_rust_has_for_it() {
    let methods = listed::<Forms>();
    let kinds: Vec<_> = methods.iter().map(|(name, entry)| (*name, entry.kind)).collect();
    let expected = [
        ("computed", MethodKind::Compute),
        ("either", MethodKind::Read),
        ("exclusive", MethodKind::Write),
        ("exposed", MethodKind::Read),
        ("long", MethodKind::Read),
        ("named", MethodKind::Read),
        ("old", MethodKind::Read),
        ("shared", MethodKind::Read),
        ("waits", MethodKind::WriteAsync),
    ];
    assert_eq!(kinds, expected);
    assert_eq!(Forms.hidden(2), 2, "a function as any other");
}

#[test]
fn a_deprecated_method_is_listed_as_one() {
    let methods = listed::<Forms>();
    let options = |name: &str| methods[name].options.clone();
    let client = |function| MethodOptions::public().client(function);
    assert_eq!(options("old"), format!("{:?}", client("FormsClient::old").deprecated(true)));
    assert_eq!(options("long"), format!("{:?}", client("FormsClient::long")));
}
