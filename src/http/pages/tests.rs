use std::fs;

use actix_web::body::to_bytes;
use actix_web::test::TestRequest;
use serde_json::json;
use tempfile::TempDir;

use super::*;

fn directory(files: &[(&str, &str)]) -> TempDir {
    let dir = TempDir::new().unwrap();
    for (name, text) in files {
        write(&dir, name, text);
    }
    dir
}

fn write(dir: &TempDir, name: &str, text: &str) {
    let path = dir.path().join(name);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, text).unwrap();
}

async fn text(response: HttpResponse) -> String {
    String::from_utf8(to_bytes(response.into_body()).await.unwrap().to_vec()).unwrap()
}

#[actix_web::test]
async fn templates_are_named_by_their_path_include_each_other_and_escape() {
    let dir = directory(&[
        ("a.hbs", "<p>{{x}}</p>{{> users/row y=1}}"),
        ("users/row.hbs", "[{{y}}]"),
        ("users/notes.txt", "{{#broken"),
        (".#a.hbs", "{{#broken"),
    ]);
    let pages = Templates::load(dir.path(), false, TemplateHelpers::default()).unwrap();
    let response = pages.render("a", &json!({ "x": "<script>\"'`=&" })).unwrap();
    assert_eq!(response.status(), 200);
    assert_eq!(response.headers().get("content-type").unwrap(), HTML);
    assert_eq!(text(response).await, "<p>&lt;script&gt;&quot;&#x27;&#x60;&#x3D;&amp;</p>[1]");
}

#[test]
fn a_mistake_at_the_start_is_reported_with_file_and_line() {
    let dir = directory(&[("good.hbs", "x"), ("sub/bad.hbs", "one\n{{#if x}}\nthree\n")]);
    let error = Templates::load(dir.path(), false, TemplateHelpers::default()).unwrap_err().to_string();
    let file = dir.path().join("sub/bad.hbs").display().to_string();
    assert!(error.contains(&format!("{file}:")) && error.contains("fix the template"), "{error}");
    let error = Templates::load(&dir.path().join("none"), true, TemplateHelpers::default()).unwrap_err().to_string();
    assert!(error.contains("does not exist: create it"), "{error}");
}

#[actix_web::test]
async fn a_mistake_in_rendering_goes_to_the_log_and_not_to_the_client() {
    let dir =
        directory(&[("a.hbs", "one\n<b>{{missing}}</b>\n"), ("b.hbs", "{{> a}}"), ("c.hbs", "{{> @partial-block}}")]);
    let pages = Templates::load(dir.path(), false, TemplateHelpers::default()).unwrap();
    let cases = [
        ("a", "a.hbs:2: no `missing` in the data"),
        ("b", "a.hbs:2: no `missing` in the data"),
        ("c", "c.hbs:1: "),
        ("d", "d.hbs: there is no such template; there are: a, b, c"),
    ];
    for (name, part) in cases {
        let error = pages.render(name, &json!({})).unwrap_err();
        assert!(error.to_string().contains(part), "{name}: {error}");
        let response = error.error_response();
        assert_eq!(response.status(), 500);
        assert_eq!(text(response).await, "Internal server error\n");
    }
}

#[actix_web::test]
async fn watched_templates_follow_their_files_and_show_mistakes_escaped() {
    let dir = directory(&[("a.hbs", "one")]);
    let pages = Templates::load(dir.path(), true, TemplateHelpers::default()).unwrap();
    let page = async |name| text(pages.render(name, &json!({})).unwrap()).await;
    assert_eq!(page("a").await, "one");
    write(&dir, "a.hbs", "two{{> new}}");
    write(&dir, "new.hbs", "!");
    assert_eq!(page("a").await, "two!");
    fs::remove_file(dir.path().join("new.hbs")).unwrap();
    assert!(pages.render("new", &json!({})).is_err());
    write(&dir, "a.hbs", "\n{{lookup <script>}}");
    let response = pages.render("a", &json!({})).unwrap_err().error_response();
    assert_eq!(response.status(), 500);
    assert_eq!(response.headers().get("content-type").unwrap(), HTML);
    let shown = text(response).await;
    assert!(shown.contains("a.hbs:2:") && !shown.contains("<script>"), "{shown}");
    write(&dir, "a.hbs", "mended");
    assert_eq!(page("a").await, "mended");
}

#[actix_web::test]
async fn without_a_directory_the_log_says_what_to_call() {
    let error = Templates::from_request(&TestRequest::get().to_http_request(), &mut Payload::None).await.unwrap_err();
    assert!(error.to_string().contains("call `.templates(\"dir\")` on the server"), "{error}");
    assert_eq!(text(error.error_response()).await, "Internal server error\n");
    let dir = directory(&[("a.hbs", "one")]);
    let request = TestRequest::get()
        .app_data(Templates::load(dir.path(), false, TemplateHelpers::default()).unwrap())
        .to_http_request();
    let pages = Templates::from_request(&request, &mut Payload::None).await.unwrap();
    assert!(pages.render("a", &()).is_ok());
}

#[actix_web::test]
async fn helpers_of_the_program_are_there_also_when_templates_are_read_again() {
    handlebars::handlebars_helper!(money: |cents: u64, { sign: str = "€" }| {
        format!("{}.{:02} {sign}", cents / 100, cents % 100)
    });
    let block = |helper: &handlebars::Helper<'_>,
                 registry: &Handlebars<'_>,
                 _: &handlebars::Context,
                 _: &mut handlebars::RenderContext<'_, '_>,
                 out: &mut dyn handlebars::Output| {
        assert!(registry.strict_mode());
        out.write(&"-".repeat(helper.params().len()))?;
        Ok(())
    };
    let mut helpers = TemplateHelpers::default();
    helpers.add("money", money).unwrap();
    helpers.add("line", block).unwrap();
    let dir =
        directory(&[("price.hbs", "{{money cents}} {{money 5 sign=\"<\"}}{{#if (money 1)}} {{line 1 2}}{{/if}}")]);
    for watch in [false, true] {
        let pages = Templates::load(dir.path(), watch, helpers.clone()).unwrap();
        for _ in 0..2 {
            let page = text(pages.render("price", &json!({ "cents": 1250 })).unwrap()).await;
            assert_eq!(page, "12.50 € 0.05 &lt; --", "the text is escaped");
        }
        let error = pages.render("price", &json!({ "cents": "much" })).unwrap_err().to_string();
        assert!(error.contains("price.hbs:1") && error.contains("money"), "{error}");
    }
}
