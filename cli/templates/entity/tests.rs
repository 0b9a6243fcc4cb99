//! Tests that call the service over HTTP, as its clients do.

use callbox::RpcError;
use my_service::service::{Users_Count, Users_Create, Users_Delete, Users_List, Users_Read, Users_Update};

fn create(name: &str) -> Users_Create {
    Users_Create { name: name.into(), email: format!("{name}@example.org") }
}

fn code<T>(result: Result<T, RpcError>) -> Option<i32> {
    result.err().map(|error| error.code())
}

#[test]
fn a_user_is_created_read_and_changed() -> Result<(), RpcError> {
    let server = callbox::testing::start(my_service::app());
    let ada = server.call(create("ada"))?;
    assert_eq!(server.call(Users_Read { id: ada.id })?, ada);
    let name = Some("Ada Lovelace".to_owned());
    let changed = server.call(Users_Update { id: ada.id, version: ada.version, name, email: None })?;
    assert_eq!((changed.name.as_str(), changed.email.as_str()), ("Ada Lovelace", "ada@example.org"));
    assert_eq!(changed.version, ada.version + 1);
    assert_eq!(code(server.call(Users_Read { id: 404 })), Some(404));
    Ok(())
}

#[test]
fn a_change_of_an_old_version_is_rejected() -> Result<(), RpcError> {
    let server = callbox::testing::start(my_service::app());
    let ada = server.call(create("ada"))?;
    let update = || Users_Update { id: ada.id, version: ada.version, name: None, email: Some("new@example.org".into()) };
    server.call(update())?;
    assert_eq!(code(server.call(update())), Some(409));
    Ok(())
}

#[test]
fn deleting_needs_the_token() -> Result<(), RpcError> {
    let server = callbox::testing::start(my_service::app());
    let ada = server.call(create("ada"))?;
    let delete = || Users_Delete { id: ada.id, version: ada.version };
    assert!(server.call(delete()).is_err());
    assert_eq!(server.call(Users_Count {})?, 1);
    server.with_token("hello_world").call(delete())?;
    assert_eq!(server.call(Users_Count {})?, 0);
    Ok(())
}

#[test]
fn users_are_listed_by_pages() -> Result<(), RpcError> {
    let server = callbox::testing::start(my_service::app());
    for name in ["ada", "bob", "cyd"] {
        server.call(create(name))?;
    }
    let first = server.call(Users_List { after: 0, limit: 2 })?;
    assert_eq!(first.users.len(), 2);
    let last = server.call(Users_List { after: first.next.unwrap_or_default(), limit: 2 })?;
    assert_eq!(last.users.iter().map(|user| user.name.as_str()).collect::<Vec<_>>(), ["cyd"]);
    assert_eq!(last.next, None);
    Ok(())
}
