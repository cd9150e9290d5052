//! Checks a sink that writes Elasticsearch or OpenSearch.

use std::path::Path;

use super::template;
use crate::problem::{Report, item};
use crate::raw::{RawElasticsearchSink, RawElasticsearchTemplate};
use crate::spec::{
    ElasticsearchLogin, ElasticsearchOperation, ElasticsearchSinkSpec, ElasticsearchTemplate,
    Secret, is_index_name,
};
use crate::template::{Part, Template};

pub(super) fn check(
    at: &str,
    raw: RawElasticsearchSink,
    folder: &Path,
    report: &mut Report,
) -> ElasticsearchSinkSpec {
    let index = index(&format!("{at}.index"), &raw.index, report);
    let made = raw.template;
    urls(&format!("{at}.urls"), &raw.urls, report);
    ElasticsearchSinkSpec {
        template: made.map(|raw| index_template(&format!("{at}.template"), raw, &index, report)),
        operation: operation(at, raw.operation, raw.data_stream, report),
        login: login(at, raw.user, raw.password, raw.api_key, report),
        ca_file: raw.ca_file.map(|path| folder.join(path)),
        urls: raw.urls,
        index,
        data_stream: raw.data_stream,
        indexes_max: raw.indexes_max,
        gzip: raw.gzip,
        timeout_ms: raw.timeout_ms,
        requests: raw.requests.into(),
    }
}

fn urls(at: &str, urls: &[String], report: &mut Report) {
    for (index, url) in urls.iter().enumerate() {
        let at = item(at, index);
        let scheme = ["http://", "https://"]
            .into_iter()
            .find_map(|it| url.strip_prefix(it));
        let Some(rest) = scheme else {
            let cure = "write `http://` or `https://`, host and port";
            report.add_with_cure(&at, "is not the URL of a node", cure);
            continue;
        };
        let authority = rest.split('/').next().unwrap_or_default();
        if authority.contains('@') {
            let cure = "set `user` and `password` instead: what is in a URL is shown";
            report.add_with_cure(&at, "has credentials in it", cure);
        } else if authority.is_empty()
            || rest.contains(|it: char| it.is_whitespace() || it.is_control())
            || rest.contains(['?', '#'])
        {
            let cure = "write `http://` or `https://`, host and port";
            report.add_with_cure(&at, "is not the URL of a node", cure);
        } else if urls[..index].contains(url) {
            report.add(&at, "is there twice");
        }
    }
}

/// The template of the index in `text`.
fn index(at: &str, text: &str, report: &mut Report) -> Template {
    let Some(template) = template(at, text, report) else {
        return Template { parts: Vec::new() };
    };
    // What records put in is judged when it is there; here any name stands for it.
    if !is_index_name(&sample(&template, "x")) {
        report.add_with_cure(
            at,
            "is not an index name that Elasticsearch allows",
            INDEX_RULE,
        );
    }
    template
}

/// What the name of an index is made of.
const INDEX_RULE: &str = "lower case, none of `\\ / * ? \" < > | , # :` and no space, not with `-`, `_` or `+` at the start; \
                          255 bytes at most";

/// What `template` names where `placeholder` stands for all that is not fixed.
fn sample(template: &Template, placeholder: &str) -> String {
    let text = template.parts.iter().map(|part| match part {
        Part::Literal(text) => text.clone(),
        Part::Time(format) => time(format, placeholder),
        Part::Topic | Part::Partition | Part::Field(_) | Part::Route => placeholder.to_owned(),
    });
    text.collect()
}

/// What is fixed of a time, with `placeholder` for each number of it.
fn time(format: &str, placeholder: &str) -> String {
    let mut text = String::new();
    let mut chars = format.chars();
    while let Some(char) = chars.next() {
        match char {
            '%' => match chars.next() {
                Some('%') => text.push('%'),
                Some(_) | None => text.push_str(placeholder),
            },
            char => text.push(char),
        }
    }
    text
}

fn operation(
    at: &str,
    operation: Option<ElasticsearchOperation>,
    data_stream: bool,
    report: &mut Report,
) -> ElasticsearchOperation {
    let operation = operation.unwrap_or(ElasticsearchOperation::Create);
    if data_stream && operation == ElasticsearchOperation::Index {
        let message = "must be `create`: a data stream takes nothing else";
        report.add_with_cure(&format!("{at}.operation"), message, "leave it out");
    }
    operation
}

fn login(
    at: &str,
    user: Option<String>,
    password: Option<String>,
    api_key: Option<String>,
    report: &mut Report,
) -> ElasticsearchLogin {
    match (user, password, api_key) {
        (None, None, None) => ElasticsearchLogin::None,
        (Some(user), Some(password), None) => {
            if user.is_empty() || user.contains(':') {
                report.add(
                    &format!("{at}.user"),
                    "must not be empty, nor have a `:` in it",
                );
            }
            ElasticsearchLogin::User(user, Secret::new(password))
        }
        (None, None, Some(key)) => api_key_login(&format!("{at}.api_key"), key, report),
        (_, _, Some(_)) => {
            let cure = "leave `user` and `password` out, or this";
            report.add_with_cure(&format!("{at}.api_key"), "stands beside `user`", cure);
            ElasticsearchLogin::None
        }
        (Some(_), None, None) => {
            report.add(&format!("{at}.password"), "is missing beside `user`");
            ElasticsearchLogin::None
        }
        (None, Some(_), None) => {
            report.add(&format!("{at}.user"), "is missing beside `password`");
            ElasticsearchLogin::None
        }
    }
}

/// A key in its encoded form, which has no colon in it, or in the other one.
fn api_key_login(at: &str, key: String, report: &mut Report) -> ElasticsearchLogin {
    let legal = |byte: u8| byte.is_ascii_alphanumeric() || b"+/=_-:".contains(&byte);
    if key.is_empty() || !key.bytes().all(legal) {
        let cure = "write it as Kibana shows it, or as `id:key`";
        report.add_with_cure(at, "is not an API key", cure);
    }
    ElasticsearchLogin::ApiKey(Secret::new(key))
}

fn index_template(
    at: &str,
    raw: RawElasticsearchTemplate,
    index: &Template,
    report: &mut Report,
) -> ElasticsearchTemplate {
    let pattern = sample(index, "*");
    if !is_index_name(&raw.name) {
        report.add_with_cure(
            &format!("{at}.name"),
            "is not a name that Elasticsearch allows",
            INDEX_RULE,
        );
    }
    if pattern.starts_with('*') {
        let cure = "begin `index` with a fixed name, or make the template yourself";
        report.add_with_cure(at, "would be for indexes of any name", cure);
    }
    ElasticsearchTemplate {
        name: raw.name,
        pattern: collapse(&pattern),
        replicas: raw.replicas,
        shards: raw.shards,
        priority: raw.priority,
    }
}

/// `pattern` with one `*` where there are several in a row.
fn collapse(pattern: &str) -> String {
    let mut collapsed = String::new();
    for char in pattern.chars() {
        if char != '*' || !collapsed.ends_with('*') {
            collapsed.push(char);
        }
    }
    collapsed
}
