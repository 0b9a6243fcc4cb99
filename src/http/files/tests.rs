use actix_web::web;
use callbox_test_cases::paths::OUTSIDE_PATHS;
use tempfile::TempDir;

use super::super::raw_server::{RawServer, RawServerOptions};
use super::*;

const SECRET: &str = "a secret from outside";

struct TestSite {
    dir: TempDir,
    server: RawServer,
}

fn site(url: &str) -> TestSite {
    let dir = TempDir::new().unwrap();
    let root = dir.path().join("root");
    fs::create_dir_all(root.join("sub")).unwrap();
    fs::create_dir_all(root.join("bare")).unwrap();
    fs::create_dir_all(root.join(".git")).unwrap();
    fs::create_dir_all(dir.path().join("root-of-another")).unwrap();
    fs::write(dir.path().join("secret.txt"), SECRET).unwrap();
    fs::write(dir.path().join("root-of-another/secret.txt"), SECRET).unwrap();
    fs::write(root.join(".hidden"), SECRET).unwrap();
    fs::write(root.join(".git/config"), SECRET).unwrap();
    fs::write(root.join("index.html"), "<p>index").unwrap();
    fs::write(root.join("sub/a.css"), "p{}").unwrap();
    let files = StaticFiles::new(url, &root).unwrap();
    let server = RawServer::start(RawServerOptions::default(), move || {
        let files = files.clone();
        move |config: &mut web::ServiceConfig| files.configure(config)
    });
    TestSite { dir, server }
}

impl TestSite {
    /// Returns the whole response to a request line that no client library has normalised.
    fn get(&self, path: &str) -> String {
        let mut client = self.server.connect();
        client.send(format!("GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n").as_bytes());
        let mut answer = Vec::new();
        std::io::Read::read_to_end(&mut client.stream, &mut answer).unwrap();
        String::from_utf8_lossy(&answer).into_owned()
    }
}

#[test]
fn files_are_served_with_nosniff_and_an_index_and_no_listing() {
    for (url, base) in [("/static", "/static"), ("/static/", "/static"), ("/", "")] {
        let site = site(url);
        let css = site.get(&format!("{base}/sub/a.css"));
        assert!(css.starts_with("HTTP/1.1 200 ") && css.ends_with("p{}"), "{url}: {css}");
        assert!(css.contains("content-type: text/css") && css.contains("x-content-type-options: nosniff"), "{css}");
        let index = site.get(&format!("{base}/"));
        assert!(index.starts_with("HTTP/1.1 200 ") && index.ends_with("<p>index"), "{url}: {index}");
        let missing = site.get(&format!("{base}/none.txt"));
        assert!(missing.starts_with("HTTP/1.1 404 ") && missing.contains("nosniff"), "{url}: {missing}");
        for bare in ["sub/", "bare/", "bare", "sub"] {
            let answer = site.get(&format!("{base}/{bare}"));
            assert!(answer.starts_with("HTTP/1.1 404 ") && !answer.contains("a.css"), "{url} {bare}: {answer}");
        }
    }
}

#[test]
fn a_directory_with_an_index_is_found_without_its_slash_and_its_links_work() {
    for (url, base) in [("/static", "/static"), ("/", "")] {
        let site = site(url);
        fs::write(site.dir.path().join("root/sub/index.html"), "<p>sub").unwrap();
        fs::create_dir_all(site.dir.path().join("root/sub/a b:c")).unwrap();
        fs::write(site.dir.path().join("root/sub/a b:c/index.html"), "<p>abc").unwrap();
        for (path, location) in [
            ("/sub", "./sub/"),
            ("/sub?a=1&b=%2f", "./sub/?a=1&b=%2f"),
            ("/sub/a%20b:c", "./a%20b:c/"),
            ("//sub", "./sub/"),
            ("//example.org/../sub", "./sub/"),
            ("/none/../sub", "./sub/"),
        ] {
            let answer = site.get(&format!("{base}{path}"));
            let head = answer.to_lowercase();
            assert!(head.starts_with("http/1.1 307 ") && head.contains("nosniff"), "{base}{path}: {answer}");
            assert!(head.contains(&format!("location: {location}\r\n").to_lowercase()), "{base}{path}: {answer}");
        }
        assert!(site.get(&format!("{base}/sub/")).ends_with("<p>sub"));
        assert!(site.get(&format!("{base}/sub/a%20b:c/")).ends_with("<p>abc"));
    }
    let root = site("/static").get("/static").to_lowercase();
    assert!(root.starts_with("http/1.1 307 ") && root.contains("location: ./static/\r\n"), "{root}");
}

#[test]
fn nothing_outside_the_root_and_nothing_hidden_is_served() {
    let more = ["-of-another/secret.txt", "/.hidden", "/%2ehidden", "/.git/config", "/sub/../.git/config"];
    for (url, base) in [("/static", "/static"), ("/", "")] {
        let site = site(url);
        for path in OUTSIDE_PATHS.iter().chain(&more) {
            let answer = site.get(&format!("{base}{path}"));
            assert!(answer.starts_with("HTTP/1.1 4"), "{base}{path}: {answer}");
            assert!(!answer.contains(SECRET) && !answer.contains("root:"), "{base}{path}: {answer}");
        }
    }
}

#[cfg(unix)]
#[test]
fn a_symlink_leads_to_visible_files_of_the_root_and_nowhere_else() {
    use std::os::unix::fs::symlink;

    let site = site("/static");
    let (dir, root) = (site.dir.path(), site.dir.path().join("root"));
    symlink(dir.join("secret.txt"), root.join("file.txt")).unwrap();
    symlink("../secret.txt", root.join("relative.txt")).unwrap();
    symlink(dir, root.join("up")).unwrap();
    symlink(dir.join("root-of-another"), root.join("neighbour")).unwrap();
    symlink(dir.join("secret.txt"), root.join("bare/index.html")).unwrap();
    symlink(root.join(".git/config"), root.join("config.txt")).unwrap();
    symlink(root.join("loop"), root.join("loop")).unwrap();
    symlink("a.css", root.join("sub/b.css")).unwrap();
    let outside = [
        "file.txt",
        "relative.txt",
        "up/secret.txt",
        "neighbour/secret.txt",
        "bare/",
        "bare",
        "bare/index.html",
        "config.txt",
    ];
    for path in outside {
        let answer = site.get(&format!("/static/{path}"));
        assert!(answer.starts_with("HTTP/1.1 404 ") && !answer.contains(SECRET), "{path}: {answer}");
    }
    assert!(!site.get("/static/loop").starts_with("HTTP/1.1 200 "));
    assert!(site.get("/static/sub/b.css").ends_with("p{}"), "a symlink within the root is fine");
    assert!(site.get("/static/up/root/sub/a.css").ends_with("p{}"), "so is a way out and in again");
}

#[test]
fn a_directory_or_url_that_cannot_be_served_stops_the_start() {
    let dir = TempDir::new().unwrap();
    let error = StaticFiles::new("/static", &dir.path().join("none")).unwrap_err().to_string();
    assert!(error.contains("does not exist: create it"), "{error}");
    let file = dir.path().join("file");
    fs::write(&file, "").unwrap();
    assert!(StaticFiles::new("/static", &file).is_err());
    for url in ["static", "", "/{x}"] {
        let error = StaticFiles::new(url, dir.path()).unwrap_err().to_string();
        assert!(error.contains("begins with a slash"), "{error}");
    }
}
