//! What becomes of lines, format by format.

use parse::Parse;
use tamis_sdk::testing::{self, TestFate, TestRecord};

fn fate(settings: &str, line: impl Into<TestRecord>) -> TestFate {
    testing::run::<Parse>(settings, &[line.into()]).remove(0)
}

/// Each line of `format`, and what it becomes; none where it is in another format.
fn check(format: &str, lines: &[(&str, Option<&str>)]) {
    let settings = format!(r#"{{"formats":["{format}"],"on_unparsed":"keep"}}"#);
    for (line, expected) in lines {
        assert_eq!(fate(&settings, *line).value(), *expected, "{format} {line}");
    }
}

#[test]
fn zap_console() {
    check(
        "zap_console",
        &[
            (
                "2023-01-18T12:00:00.123+0800\tINFO\tserver/main.go:42\tuser logged in\t{\"user_id\": 42, \"name\": \"李雷\"}",
                Some(
                    r#"{"time":"2023-01-18T12:00:00.123+08:00","level":"info","caller":"server/main.go:42","message":"user logged in","fields":{"user_id": 42, "name": "李雷"}}"#,
                ),
            ),
            (
                "2023-01-18T04:00:00.000Z\tWARN\tapp.http\thttp/server.go:7\tslow\trequest",
                Some(
                    r#"{"time":"2023-01-18T04:00:00.000Z","level":"warn","logger":"app.http","caller":"http/server.go:7","message":"slow\trequest"}"#,
                ),
            ),
            (
                "1.674014400123e+09\terror\tno caller",
                Some(
                    r#"{"time":"2023-01-18T04:00:00.123Z","level":"error","message":"no caller"}"#,
                ),
            ),
            (
                "2023-01-18 12:00:00.123\tDPANIC\tjobs\tqueue is full",
                Some(
                    r#"{"time":"2023-01-18 12:00:00.123","level":"dpanic","logger":"jobs","message":"queue is full"}"#,
                ),
            ),
            (
                "2023/01/18 - 12:00:00.123\t\u{1b}[34minfo\u{1b}[0m\tcore/run.go:1\tup\t{not JSON}",
                Some(
                    r#"{"time":"2023/01/18 - 12:00:00.123","level":"info","caller":"core/run.go:1","message":"up\t{not JSON}"}"#,
                ),
            ),
            (
                "INFO\tready\t{}",
                Some(r#"{"level":"info","message":"ready","fields":{}}"#),
            ),
            // A message that is an object itself, and one that looks like a caller.
            (
                "2023-01-18 12:00:00\tINFO\tmain.go:42\t{\"a\":1}",
                Some(
                    r#"{"time":"2023-01-18 12:00:00","level":"info","caller":"main.go:42","message":"{\"a\":1}"}"#,
                ),
            ),
            (
                "INFO\tapp\tmain.go:42\t{\"a\":1}",
                Some(
                    r#"{"level":"info","logger":"app","caller":"main.go:42","message":"{\"a\":1}"}"#,
                ),
            ),
            (
                "INFO\tmain.go:42\tmain.go:43\t{\"a\":1}",
                Some(
                    r#"{"level":"info","caller":"main.go:42","message":"main.go:43","fields":{"a":1}}"#,
                ),
            ),
            (
                "2023-01-18T12:00:00.123+0800\tINFO\t",
                Some(r#"{"time":"2023-01-18T12:00:00.123+08:00","level":"info","message":""}"#),
            ),
            ("2023-01-18T12:00:00.123+0800\tLOUD\tmain.go:1\tm", None),
            ("2023-01-18T12:00:00.123+0800 INFO main.go:1 m", None),
            ("a\tINFO\tm", None),
            ("\tmain.main()", None),
        ],
    );
}

#[test]
fn combined() {
    check(
        "combined",
        &[
            (
                r#"203.0.113.9 - alice [18/Jan/2023:12:00:00 +0800] "GET /a?b=c HTTP/1.1" 200 612 "https://example.com/" "Mozilla/5.0 (X11; Linux x86_64)""#,
                Some(
                    r#"{"time":"2023-01-18T12:00:00+08:00","client":"203.0.113.9","user":"alice","method":"GET","path":"/a?b=c","protocol":"HTTP/1.1","status":200,"bytes":612,"referer":"https://example.com/","agent":"Mozilla/5.0 (X11; Linux x86_64)"}"#,
                ),
            ),
            (
                r#"::1 - - [29/Feb/2024:00:00:00 -0330] "\x16\x03\x01" 400 0 "-" "-" "203.0.113.1, 10.0.0.1" 0.001"#,
                Some(
                    r#"{"time":"2024-02-29T00:00:00-03:30","client":"::1","request":"\u0016\u0003\u0001","status":400,"bytes":0,"forwarded_for":"203.0.113.1, 10.0.0.1","extra":"0.001"}"#,
                ),
            ),
            (
                r#"host.example.com ident - [10/Oct/2000:13:55:36 -0700] "GET /apache_pb.gif HTTP/1.0" 304 -"#,
                Some(
                    r#"{"time":"2000-10-10T13:55:36-07:00","client":"host.example.com","ident":"ident","method":"GET","path":"/apache_pb.gif","protocol":"HTTP/1.0","status":304}"#,
                ),
            ),
            (
                r#"10.0.0.1 - - [18/Jan/2023:12:00:00 +0000] "-" 408 - "-" "\"quoted\" \xe4\xb8\xad\\""#,
                Some(
                    r#"{"time":"2023-01-18T12:00:00+00:00","client":"10.0.0.1","status":408,"agent":"\"quoted\" 中\\"}"#,
                ),
            ),
            (
                r#"10.0.0.1 - - [30/Feb/2023:12:00:00 +0800] "GET / HTTP/1.1" 200 1 "-" "-""#,
                None,
            ),
            (
                r#"10.0.0.1 - - [18/Jan/2023:12:00:00] "GET / HTTP/1.1" 200 1 "-" "-""#,
                None,
            ),
            (
                r#"10.0.0.1 - - [18/Jan/2023:12:00:00 +0800] "GET / HTTP/1.1" 20 1 "-" "-""#,
                None,
            ),
            (
                r#"10.0.0.1 - - [18/Jan/2023:12:00:00 +0800] "GET / HTTP/1.1" 200 1 "-" "no end"#,
                None,
            ),
            (
                r#"10.0.0.1 - - [18/Jan/2023:12:00:00 +0800] "GET / HTTP/1.1"#,
                None,
            ),
        ],
    );
}

#[test]
fn combined_with_a_server_before_it() {
    check(
        "combined",
        &[
            (
                r#"example.com:80 1.2.3.4 - - [18/Jan/2023:12:00:00 +0000] "GET / HTTP/1.1" 200 1 "-" "-""#,
                Some(
                    r#"{"time":"2023-01-18T12:00:00+00:00","vhost":"example.com","port":80,"client":"1.2.3.4","method":"GET","path":"/","protocol":"HTTP/1.1","status":200,"bytes":1}"#,
                ),
            ),
            (
                r#"example.com:443 ::1 ident li lei [18/Jan/2023:12:00:00 +0000] "-" 408 -"#,
                Some(
                    r#"{"time":"2023-01-18T12:00:00+00:00","vhost":"example.com","port":443,"client":"::1","ident":"ident","user":"li lei","status":408}"#,
                ),
            ),
            // These name no server, but a client with its port, and one of IPv6.
            (
                r#"1.2.3.4:80 - li lei [18/Jan/2023:12:00:00 +0000] "-" 408 -"#,
                Some(
                    r#"{"time":"2023-01-18T12:00:00+00:00","client":"1.2.3.4:80","user":"li lei","status":408}"#,
                ),
            ),
            (
                r#"fe80::1:80 ident li lei [18/Jan/2023:12:00:00 +0000] "-" 408 -"#,
                Some(
                    r#"{"time":"2023-01-18T12:00:00+00:00","client":"fe80::1:80","ident":"ident","user":"li lei","status":408}"#,
                ),
            ),
        ],
    );
}

#[test]
fn rfc3164() {
    check(
        "rfc3164",
        &[
            (
                "<34>Oct 11 22:14:15 mymachine su: 'su root' failed for lonvick on /dev/pts/8",
                Some(
                    r#"{"time":"Oct 11 22:14:15","level":"crit","facility":"auth","host":"mymachine","app":"su","message":"'su root' failed for lonvick on /dev/pts/8"}"#,
                ),
            ),
            (
                "Jan  8 12:00:00 web-1 sshd[4242]: Accepted publickey for root from 203.0.113.9",
                Some(
                    r#"{"time":"Jan  8 12:00:00","host":"web-1","app":"sshd","pid":"4242","message":"Accepted publickey for root from 203.0.113.9"}"#,
                ),
            ),
            (
                "<0>Feb 29 00:00:00 web-1 kernel: [    0.000000] Linux version 6.1",
                Some(
                    r#"{"time":"Feb 29 00:00:00","level":"emerg","facility":"kern","host":"web-1","app":"kernel","message":"[    0.000000] Linux version 6.1"}"#,
                ),
            ),
            (
                "<191>Jan 18 12:00:00 router link is up",
                Some(
                    r#"{"time":"Jan 18 12:00:00","level":"debug","facility":"local7","host":"router","message":"link is up"}"#,
                ),
            ),
            (
                "2023-01-18T12:00:00.123456+08:00 web-1 systemd[1]: Started Session 1.",
                Some(
                    r#"{"time":"2023-01-18T12:00:00.123456+08:00","host":"web-1","app":"systemd","pid":"1","message":"Started Session 1."}"#,
                ),
            ),
            (
                "2023-01-18T12:00:00.123+08:00 INFO [main] com.example.App - m",
                None,
            ),
            ("<192>Jan 18 12:00:00 h a: m", None),
            ("<034>Jan 18 12:00:00 h a: m", None),
            ("<>Jan 18 12:00:00 h a: m", None),
            ("Jan 32 12:00:00 h a: m", None),
            ("Jän 18 12:00:00 h a: m", None),
            ("Jan 18 24:00:00 h a: m", None),
            ("Jan 18 12:00:00", None),
        ],
    );
}

#[test]
fn rfc5424() {
    check(
        "rfc5424",
        &[
            (
                "<34>1 2003-10-11T22:14:15.003Z mymachine.example.com su - ID47 - \u{feff}'su root' failed",
                Some(
                    r#"{"time":"2003-10-11T22:14:15.003Z","level":"crit","facility":"auth","host":"mymachine.example.com","app":"su","msgid":"ID47","message":"'su root' failed"}"#,
                ),
            ),
            (
                r#"<165>1 2003-10-11T22:14:15.003-07:00 192.0.2.1 evntslog 8710 ID47 [exampleSDID@32473 iut="3" eventSource="App \"x\" \[\]"][examplePriority@32473 class="high"] An event"#,
                Some(
                    r#"{"time":"2003-10-11T22:14:15.003-07:00","level":"notice","facility":"local4","host":"192.0.2.1","app":"evntslog","pid":"8710","msgid":"ID47","data":{"exampleSDID@32473":{"iut":"3","eventSource":"App \"x\" \\[]"},"examplePriority@32473":{"class":"high"}},"message":"An event"}"#,
                ),
            ),
            (
                r#"<14>1 - - - - - [origin ip="192.0.2.1" ip="192.0.2.2" software="x"][empty]"#,
                Some(
                    r#"{"level":"info","facility":"user","data":{"origin":{"ip":["192.0.2.1","192.0.2.2"],"software":"x"},"empty":{}}}"#,
                ),
            ),
            (
                "<14>1 - h - - - -",
                Some(r#"{"level":"info","facility":"user","host":"h"}"#),
            ),
            ("<14>1 2003-10-11T22:14:15.003 h a p m - m", None),
            ("<14>2 - h a p m - m", None),
            ("<14>1 - h a p m [x", None),
            ("<14>1 - h a p m [x y=\"z\"", None),
            ("<14>1 - h a p m [x y=z] m", None),
            ("<14>1 - h a p m [x][x] m", None),
            ("<14>1 - h a p m -m", None),
            ("<14>1 - h a  m - m", None),
        ],
    );
}

#[test]
fn logback() {
    check(
        "logback",
        &[
            (
                "12:00:00.123 [main] INFO  com.example.App - 服务启动",
                Some(
                    r#"{"time":"12:00:00.123","level":"info","thread":"main","logger":"com.example.App","message":"服务启动"}"#,
                ),
            ),
            (
                "2023-01-18 12:00:00,123 ERROR [pool-1-thread-2] c.e.Job$Inner (Job.java:42) - failed: - x",
                Some(
                    r#"{"time":"2023-01-18 12:00:00,123","level":"error","thread":"pool-1-thread-2","logger":"c.e.Job$Inner","caller":"Job.java:42","message":"failed: - x"}"#,
                ),
            ),
            (
                "2023-01-18 12:00:00.123  INFO 4242 --- [           main] c.example.demo.DemoApplication           : Started in 2.1 seconds",
                Some(
                    r#"{"time":"2023-01-18 12:00:00.123","level":"info","pid":"4242","thread":"main","logger":"c.example.demo.DemoApplication","message":"Started in 2.1 seconds"}"#,
                ),
            ),
            (
                "2023-01-18T12:00:00.123+08:00  WARN 1 --- [demo] [nio-8080-exec-1] [65f0c1-a1] c.e.Web : slow",
                Some(
                    r#"{"time":"2023-01-18T12:00:00.123+08:00","level":"warn","pid":"1","app":"demo","thread":"nio-8080-exec-1","context":"65f0c1-a1","logger":"c.e.Web","message":"slow"}"#,
                ),
            ),
            (
                "2023-01-18 12:00:00 [http-1] [trace=7] [DEBUG] org.example.Dao : ",
                Some(
                    r#"{"time":"2023-01-18 12:00:00","level":"debug","thread":"http-1","context":"trace=7","logger":"org.example.Dao","message":""}"#,
                ),
            ),
            (
                "2023-01-18 12:00:00 INFO no logger here",
                Some(r#"{"time":"2023-01-18 12:00:00","level":"info","message":"no logger here"}"#),
            ),
            ("2023-01-18 12:00:00 com.example.App - no level", None),
            ("2023-13-18 12:00:00 INFO com.example.App - m", None),
            ("12:60:00 INFO com.example.App - m", None),
            ("2023-01-18 12:00:00 INFO [main com.example.App - m", None),
            ("2023-01-18 12:00:00 INFO 1 --- [main] App no colon", None),
            ("\tat com.example.App.main(App.java:42)", None),
        ],
    );
}

#[test]
fn logfmt() {
    check(
        "logfmt",
        &[
            (
                r#"time="2023-01-18T12:00:00+0800" level=info msg="user \"李雷\"\tlogged in" n=3 url=http://a?b=c empty="#,
                Some(
                    r#"{"time":"2023-01-18T12:00:00+08:00","level":"info","msg":"user \"李雷\"\tlogged in","n":"3","url":"http://a?b=c","empty":""}"#,
                ),
            ),
            (
                r#"ts=2023-01-18T04:00:00.123Z caller=main.go:42  app.kubernetes.io/name=x at=2023-01-18T12:00:00+0800"#,
                Some(
                    r#"{"ts":"2023-01-18T04:00:00.123Z","caller":"main.go:42","app.kubernetes.io/name":"x","at":"2023-01-18T12:00:00+0800"}"#,
                ),
            ),
            (r#"a=1 b=2 a=3"#, Some(r#"{"b":"2","a":"3"}"#)),
            (r#"e="\u4e2d\xe6\x96\x87\q\x""#, Some(r#"{"e":"中文qx"}"#)),
            (
                "time=\"2023-01-18 12:00:00\" 级=高",
                Some(r#"{"time":"2023-01-18 12:00:00","级":"高"}"#),
            ),
            ("a", None),
            ("", None),
            ("a=1 b", None),
            ("a = 1", None),
            ("=1", None),
            ("http://x?a=b", None),
            ("/a/b=c", None),
            ("a=\"b\"c", None),
            ("a=\"b", None),
        ],
    );
    let most: Vec<_> = (0..256).map(|number| format!("k{number}=1")).collect();
    let settings = r#"{"formats":["logfmt"],"on_unparsed":"reject"}"#;
    assert!(fate(settings, &*most.join(" ")).value().is_some());
    let reason = "the line is in none of the formats: logfmt".to_owned();
    let one_more = format!("{} k=1", most.join(" "));
    assert_eq!(fate(settings, &*one_more), TestFate::Reject(reason));
}

#[test]
fn times_are_counted_from_1970_in_seconds_milliseconds_or_nanoseconds() {
    let settings = r#"{"formats":["zap_console"]}"#;
    for (epoch, time) in [
        ("1674014400", "2023-01-18T04:00:00Z"),
        ("1.6740144e+09", "2023-01-18T04:00:00Z"),
        ("1.674014400123e+12", "2023-01-18T04:00:00.123Z"),
        ("1674014400123456789", "2023-01-18T04:00:00.123456789Z"),
        ("951782399.5", "2000-02-28T23:59:59.5Z"),
        ("951782400", "2000-02-29T00:00:00Z"),
        ("4107542400", "2100-03-01T00:00:00Z"),
        ("12", "12"),
    ] {
        let line = format!("{epoch}\tinfo\tm");
        let expected = format!(r#"{{"time":"{time}","level":"info","message":"m"}}"#);
        assert_eq!(fate(settings, &*line).value(), Some(&*expected));
    }
}

#[test]
fn formats_are_tried_in_order_and_the_rest_is_marked_rejected_or_kept() {
    let settings =
        r#"{"formats":["json","rfc5424","rfc3164","logback","combined","zap_console","logfmt"]}"#;
    let json = " {\"a\":1}";
    assert_eq!(fate(settings, json), TestFate::Keep);
    assert_eq!(fate(settings, TestRecord::tombstone()), TestFate::Keep);
    let ways = [
        ("a=1\r\n", r#"{"a":"1"}"#),
        (
            "{\"a\":tru}",
            r#"{"message":"{\"a\":tru}","unparsed":true}"#,
        ),
        ("", r#"{"message":"","unparsed":true}"#),
        (
            "\u{1b}[31mred\u{1b}[0m\r",
            "{\"message\":\"\\u001b[31mred\\u001b[0m\",\"unparsed\":true}",
        ),
    ];
    for (line, expected) in ways {
        assert_eq!(fate(settings, line).value(), Some(expected));
    }
    let broken = TestRecord::new(*b"a=\xff");
    assert_eq!(fate(settings, broken).value(), Some("{\"a\":\"\u{fffd}\"}"));
    assert_eq!(
        fate(r#"{"formats":["logfmt"],"on_unparsed":"keep"}"#, "text"),
        TestFate::Keep
    );
    let reason = "the line is in none of the formats: logback, combined".to_owned();
    let reject = r#"{"formats":["logback","combined"],"on_unparsed":"reject"}"#;
    assert_eq!(fate(reject, "text"), TestFate::Reject(reason));
}

fn check_refused(settings: &str, field: &str) {
    let error = testing::configure::<Parse>(settings).expect_err("refused");
    assert_eq!(error.field, field, "{settings}: {error}");
}

#[test]
fn settings_that_make_no_sense_are_refused_by_name() {
    check_refused("{}", "");
    check_refused(r#"{"formats":[]}"#, "/formats");
    check_refused(r#"{"formats":["logfmt","zap"]}"#, "/formats/1");
    check_refused(r#"{"formats":["logfmt","json","logfmt"]}"#, "/formats/2");
    check_refused(
        r#"{"formats":["logfmt"],"on_unparsed":"drop"}"#,
        "/on_unparsed",
    );
    check_refused(r#"{"formats":["logfmt"],"field":"/a"}"#, "/field");
}
