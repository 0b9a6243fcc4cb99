//! A file of tokens: each mistake is one line that quotes no secret, and a valid file can be
//! changed and read again.

#![no_main]

use std::fs;
use std::path::PathBuf;
use std::sync::LazyLock;

use callbox::auth::TokenFile;
use libfuzzer_sys::fuzz_target;

/// A directory of this process alone, since each change of the file locks its directory.
static FILE: LazyLock<PathBuf> = LazyLock::new(|| {
    let directory = std::env::temp_dir().join(format!("callbox-fuzz-tokens-{}", std::process::id()));
    fs::create_dir_all(&directory).expect("a directory");
    directory.join("tokens.toml")
});

/// What a token looks like that somebody has pasted into the file in the place of its hash.
const PREFIX: &str = "cbx_";

fuzz_target!(|text: &str| {
    fs::write(&*FILE, text).expect("a file");
    let file = TokenFile::new(&*FILE);
    let tokens = match file.list() {
        Ok(tokens) => tokens,
        Err(error) => {
            let message = error.to_string();
            assert_eq!(message.lines().count(), 1, "{message}");
            assert!(!message.contains(PREFIX), "{message}");
            // What cannot be read is not written over.
            assert!(file.issue("fuzz", &[], None).is_err());
            assert_eq!(fs::read_to_string(&*FILE).ok().as_deref(), Some(text));
            return;
        }
    };
    let ids =
        |tokens: &[callbox::auth::TokenInfo]| tokens.iter().map(|token| token.id().to_owned()).collect::<Vec<_>>();
    let before = ids(&tokens);
    // A name that is taken is refused, and then nothing changes.
    if let Ok(issued) = file.issue("fuzz", &["a", "b"], None) {
        let after = ids(&file.list().expect("what was written can be read"));
        assert_eq!(after.len(), before.len() + 1);
        assert!(after.starts_with(&before), "{before:?} {after:?}");
        let revoked = file.revoke(after.last().expect("the new one")).expect("it is there");
        assert_eq!(revoked.len(), 1);
        assert!(!fs::read_to_string(&*FILE).expect("a file").contains(issued.reveal()));
    }
    assert_eq!(ids(&file.list().expect("what was written can be read")), before);
});
