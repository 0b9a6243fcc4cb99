//! The tests of the service, over HTTP on a free port.

use callbox::testing;

use super::app;
use super::service::{Users_Create, Users_List, Users_Read, Users_Update};

fn create(name: &str) -> Users_Create {
    Users_Create { name: name.to_owned(), email: format!("{name}@example.org") }
}

#[test]
fn a_user_is_changed_by_who_has_read_its_last_version() {
    let server = testing::start(app());
    let user = server.call(create("ada")).unwrap();
    let rename = |name: &str| Users_Update { id: user.id, version: 1, name: Some(name.to_owned()), email: None };
    let renamed = server.call(rename("Ada L.")).unwrap();
    assert_eq!((renamed.version, renamed.name.as_str()), (2, "Ada L."));

    let error = server.call(rename("Ada B.")).unwrap_err();
    assert_eq!((error.code(), error.message()), (409, "User 1 is at version 2 by now"));
    assert_eq!(server.call(Users_Read { id: user.id }), Ok(renamed));
}

#[test]
fn users_are_listed_by_pages() {
    let server = testing::start(app());
    for name in ["ada", "bob", "cyd"] {
        server.call(create(name)).unwrap();
    }
    let first = server.call(Users_List { after: 0, limit: 2 }).unwrap();
    let after = first.next.expect("there is a second page");
    let rest = server.call(Users_List { after, limit: 2 }).unwrap();
    let names = first.users.iter().chain(&rest.users).map(|user| user.name.as_str());
    assert_eq!(names.collect::<Vec<_>>(), ["ada", "bob", "cyd"]);
    assert_eq!(rest.next, None);
}
