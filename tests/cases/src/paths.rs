//! Paths of requests that must not lead out of a directory of static files.

/// Paths below a mount that try to leave its directory.
///
/// The directory has a folder `sub`. Next to the directory are the file `secret.txt` and the folder
/// `root-of-another`, which has a file of that name, too.
pub const OUTSIDE_PATHS: &[&str] = &[
    "/../secret.txt",
    "/sub/../../secret.txt",
    "/../../../../../../../../etc/passwd",
    "/..%2fsecret.txt",
    "/%2e%2e/secret.txt",
    "/%2e%2e%2fsecret.txt",
    "/%2E%2E%2Fsecret.txt",
    "/.%2e/secret.txt",
    "/%252e%252e%252fsecret.txt",
    "/%252e%252e/secret.txt",
    "/..%5csecret.txt",
    "/..\\secret.txt",
    "/%2e%2e%5csecret.txt",
    "/....//secret.txt",
    "/..;/secret.txt",
    "/..%00/secret.txt",
    "/secret.txt%00.css",
    "/%c0%ae%c0%ae/secret.txt",
    "/%c0%ae%c0%ae%c0%afsecret.txt",
    "/%uff0e%uff0e/secret.txt",
    "/..%u2215secret.txt",
    "/.././.././secret.txt",
    "//../secret.txt",
    "//etc/passwd",
    "/%2fetc%2fpasswd",
    "/file:///etc/passwd",
    "/../root-of-another/secret.txt",
];
