//! The page at `/functions`: the functions of SQL, for people to read.

use std::fmt::Write;

use axum::response::Response;
use hub_query::{FunctionEntry, function_catalog};

use super::home::{escape, html_page};
use crate::{
    extract::{NoParams, Params},
    problem::Problem,
};

/// Shows every function, the hub's own with all that is said of them.
pub(crate) async fn show_functions(_: Params<NoParams>) -> Result<Response, Problem> {
    let (own, others): (Vec<_>, Vec<_>) =
        function_catalog().into_iter().partition(|entry| entry.own);
    let mut described = String::new();
    let mut family = "";
    for entry in &own {
        if entry.family != family {
            family = &entry.family;
            let _ = writeln!(described, "<h2>{}</h2>", escape(family));
        }
        describe(&mut described, entry);
    }
    let named = others.iter().map(|entry| format!("<code>{}</code>", escape(&entry.syntax)));
    let html = include_str!("functions_page.html")
        .replace("{{own}}", &described)
        .replace("{{others}}", &named.collect::<Vec<_>>().join(" · "));
    Ok(html_page(html))
}

fn describe(page: &mut String, entry: &FunctionEntry) {
    let _ = writeln!(
        page,
        "<h3 id=\"{0}\"><code>{1}</code></h3>\n<p lang=\"ja\">{2}</p>\n<p>{3}</p>",
        escape(&entry.name),
        escape(&entry.syntax),
        escape(&entry.description_ja),
        escape(&entry.description_en),
    );
    if !entry.arguments.is_empty() {
        page.push_str("<ul>\n");
        for argument in &entry.arguments {
            let (name, meaning) = (escape(&argument.name), escape(&argument.description));
            let _ = writeln!(page, "<li><code>{name}</code>: {meaning}</li>");
        }
        page.push_str("</ul>\n");
    }
    if let Some(example) = &entry.example {
        let (sql, answer) = (escape(&example.sql), escape(&example.answer));
        let _ = writeln!(page, "<pre>{sql}\n→ {answer}</pre>");
    }
}
