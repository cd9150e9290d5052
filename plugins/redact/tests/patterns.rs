//! What each pattern finds.

use redact::Redact;
use tamis_sdk::testing;

/// Each of `texts` has what the pattern finds in brackets.
fn check(pattern: &str, texts: &[&str]) {
    let settings = format!(r#"{{"patterns":["{pattern}"],"method":"remove"}}"#);
    for marked in texts {
        let text = marked.replace(['[', ']'], "");
        let (mut expected, mut rest) = (String::new(), *marked);
        while let Some((before, behind)) = rest.split_once('[') {
            expected.push_str(before);
            rest = behind.split_once(']').expect("closed").1;
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
            // Not these.
            "bearer of news, bearer certificates",
            "Bearer abc1234",
            "forbearer abc12345 Bearerabc12345",
            "Bearer ",
        ],
    );
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
