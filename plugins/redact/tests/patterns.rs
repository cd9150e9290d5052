//! What each pattern finds.

use redact::Redact;
use tamis_sdk::testing;

/// Each of `texts` has what the pattern finds in brackets.
fn check(pattern: &str, texts: &[&str]) {
    check_between(pattern, ['[', ']'], texts);
}

/// Each of `texts` has what the pattern finds between `marks`.
fn check_between(pattern: &str, marks: [char; 2], texts: &[&str]) {
    let settings = format!(r#"{{"patterns":["{pattern}"],"method":"remove"}}"#);
    for marked in texts {
        let text = marked.replace(marks, "");
        let (mut expected, mut rest) = (String::new(), *marked);
        while let Some((before, behind)) = rest.split_once(marks[0]) {
            expected.push_str(before);
            rest = behind.split_once(marks[1]).expect("closed").1;
        }
        expected.push_str(rest);
        let value = serde_json::to_string(&text).expect("text");
        let fates = testing::run::<Redact>(&settings, &[value.as_str().into()]);
        let left = fates[0].value().unwrap_or(&value);
        let left: String = serde_json::from_str(left).expect("JSON");
        assert_eq!(left, expected, "{pattern} {marked}");
    }
}

#[test]
fn phones() {
    check(
        "phone",
        &[
            "[13800138000]",
            "电话[13800138000]，或[19912345678]。",
            "tel:[138 0013 8000]; [138-0013-8000]",
            "[+8613800138000] [+86 13800138000] [+86-138-0013-8000] [8613800138000] [0086 138 0013 8000]",
            "x=1&phone=[13800138000]&y",
            "phone+[13800138000]",
            "_[13800138000]_",
            "00 [13800138000]",
            "[010-12345678] [0755-1234567]",
            "[+1 415 555 0100] [+33 6 12 34 56 78], [+442071234567]",
            "[+8613800138000] 12 ms, [+86 13800138000] 12, [+86 138-0013-8000] 12, [+442071234567] 12",
            "end [13800138000].",
            // Not these.
            "12800138000 1380013800 138001380001",
            "a13800138000 13800138000b",
            "0.13800138000 13800138000.5",
            "2023-01-18 12:00:00.123 +0800",
            "1674014400123 1674014400",
            "+1234567 +123456789012345678",
            "10.101.214.112:8080",
            "00000000-1234-1234-1234-123456789012",
            "010-1234567",
        ],
    );
}

#[test]
fn identity_cards() {
    check(
        "id_card",
        &[
            "[11010519491231002X]",
            "身份证[11010519491231002x]的",
            "[440300199003071234], [310101198512125677]",
            // A wrong check digit, month, day, century, length.
            "110105194912310021 440300199003071235",
            "110105199913012301 110105199901322301",
            "110105219901012301",
            "11010519491231002XX 1440300199003071234",
            "a440300199003071234",
            "010105199902301237",
        ],
    );
}

#[test]
fn emails() {
    check(
        "email",
        &[
            "[name@example.com]",
            "邮箱：[li.wei+tag@mail.example.com.cn]。",
            "<[a_b%c-d@x-y.example.org]>,",
            "mailto:[a@b.cn]?subject=x",
            ".[a@b.cn].",
            "[a@b.xn--fiqs8s] [a@b.cn]-c",
            "[13800138000@qq.com]",
            "a@[b@c.de]",
            // Not these.
            "@b.cn a@ a@b a@b.c a@b.1 a@.cn a@-b.cn a@@b",
            "user@10.0.0.1 com.example.Type@1a2b3c",
        ],
    );
}

#[test]
fn bank_cards() {
    check(
        "bank_card",
        &[
            "[4111111111111111] [4222222222222] [5555555555554444]",
            "卡号[6222021234567894]，[622202123456789012] [6222021234567890128]",
            "[4111 1111 1111 1111] [4111-1111-1111-1111]",
            "[6222 0212 3456 7890 128]",
            "[378282246310005] [3782 822463 10005] [2221000000000009]",
            // A wrong check digit, length, beginning.
            "4111111111111112 411111111111111",
            "41111111111111111111",
            "1674014400007 1674014400015",
            "4111 11111111 1111 x4111111111111111",
            "4111111111111111.5",
        ],
    );
}

#[test]
fn bearer_tokens() {
    check(
        "bearer_token",
        &[
            "Authorization: Bearer [eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2ln]",
            "bearer [abc12345] and BEARER\t[mF_9.B5f-4.1JqM==],",
            "{\"Authorization\":\"Bearer [abcdefghijklmnopqrst]\"}",
            "Bearer [12|k3j4h5g6] <Bearer [abcdefghijklmnopqrst:secret]> ('Bearer [a$b!c#d&1]')",
            "{Bearer [abcd1234;e]}，Bearer [abcd1234]，Bearer%20[abcd1234]%22",
            // Not these.
            "bearer of news, bearer certificates",
            "Bearer abc1234",
            "Bearer realm=\"example\"",
            "forbearer abc12345 Bearerabc12345",
            "Bearer ",
        ],
    );
}

/// However a text came to where it is, it says the same.
#[test]
fn what_is_written_out_is_read() {
    let check = |pattern: &str, texts: &[&str]| check_between(pattern, ['«', '»'], texts);
    check(
        "phone",
        &[
            // JSON within a string, and within a string of that.
            r#"{"m":"\n«13800138000»\\t«13900139000»\u4e2d«13700137000»"}"#,
            r"«138\u00300138000» \u7535\u8bdd«13800138000» «\\u0031380013800\\\u0030»",
            r"a\d13800138000 \\u006113800138000 C:\new13800138000 \«13800138000»\",
            // Colours.
            "\u{1b}[31m«13800138000»\u{1b}[0m \u{1b}[1;31m«+8613800138000»\u{1b}[m",
            r"\u001b[31m«13800138000»\\u001b[m",
            "\u{1b}[3113800138000 \u{1b}[31n13800138000 \u{1b}31m13800138000 [31m13800138000",
            // URLs and forms.
            "phone=«%2B8613800138000»&a=%3A«13800138000»&b=%20«13800138000»&c=«138%200013%2D8000»",
            "%E7%94%B5%E8%AF%9D«13800138000»%e3%80%82 %6113800138000 %zz13800138000",
            // These are none.
            "LIKE '%«13800138000»%' 100%«13800138000»",
        ],
    );
    check("email", &[r"\\n«name\u0040qq.com»\r u=«name%40qq.com»&v=1"]);
    check("email", &["u=«name%40qq.com»%2C«a%25b@c.de» «a%20b@c.de»,"]);
    check(
        "bank_card",
        &["LIKE '%«6222021234567894»%' %20«4111111111111111»"],
    );
    check(
        "id_card",
        &["LIKE '%«440300199003071234»%' %3d«11010519491231002X»%26"],
    );
    check(
        "bearer_token",
        &[
            r#"{"h":"\nBearer «abcd1234»\"}"#,
            "h=Bearer%20«abcd1234»%22 Bearer «abcdefg1%20»",
        ],
    );
}

/// One text that is no JSON.
#[test]
fn what_is_written_out_is_read_where_there_is_no_json() {
    let settings = r#"{"patterns":["phone","email"],"on_invalid":"text"}"#;
    for (text, expected) in [
        (r#"{"a":"\n13800138000"#, r#"{"a":"\n138****8000"#),
        (r#"{"a":"138\u00300138000"#, r#"{"a":"138****8000"#),
        (r#"{"a":"\\n13800138000"#, r#"{"a":"\\n138****8000"#),
        (
            "\u{1b}[31m13800138000\u{1b}[0m",
            "\u{1b}[31m138****8000\u{1b}[0m",
        ),
        (
            "a=name%40qq.com&b=%2013800138000",
            "a=n***@qq.com&b=%20138****8000",
        ),
    ] {
        let fates = testing::run::<Redact>(settings, &[text.into()]);
        assert_eq!(fates[0].value(), Some(expected), "{text}");
    }
}

#[test]
fn what_could_be_several_is_the_likeliest() {
    let settings = r#"{"patterns":["phone","email","bank_card","id_card","bearer_token"]}"#;
    for (text, expected) in [
        ("13800138000@qq.com", "1***@qq.com"),
        ("138 0013 8000@qq.com", "1***@qq.com"),
        ("440300199003071234", "**************1234"),
        ("4111-1111-1111-1111", "****-****-****-1111"),
        ("+86 13800138000", "+86 138****8000"),
        ("010-12345678", "010-****5678"),
        ("Bearer 13800138000", "Bearer ***"),
        ("name@example.com", "n***@example.com"),
    ] {
        let value = format!("\"{text}\"");
        let fates = testing::run::<Redact>(settings, &[value.as_str().into()]);
        assert_eq!(fates[0].value(), Some(&*format!("\"{expected}\"")));
        // What a mask leaves is left alone by the next one.
        let again = format!("\"{expected}\"");
        let fates = testing::run::<Redact>(settings, &[again.as_str().into()]);
        assert_eq!(fates[0].value(), None, "{expected}");
    }
}
