//! Values, and the hosts that are found in them.

use super::*;
use proptest::prelude::*;

/// `name`, `name:port`, with `!` where it is a destination whatever it is; `:port` of a port.
#[track_caller]
fn check(key: &str, value: &str, expected: &str) {
    let found = named(key, value);
    let mut texts: Vec<String> = found
        .hosts
        .iter()
        .map(|host| {
            let port = host.port.map_or(String::new(), |port| format!(":{port}"));
            let sign = if host.destination { "!" } else { "" };
            format!("{}{port}{sign}", host.name)
        })
        .collect();
    texts.extend(found.port.map(|port| format!(":{port}")));
    assert_eq!(texts.join(" "), expected, "{key}={value}");
}

#[test]
fn whole_values() {
    check("DB_HOST", "postgres", "postgres");
    check("DB_HOST", " Postgres. ", "postgres");
    check("X", "postgres", "postgres");
    check("DB_USER", "postgres", "");
    check("POSTGRES_DB", "postgres", "");
    check("DB_PASSWORD", "postgres", "");
    check("dbUsername", "postgres", "");
    check("DB_PASSWORD", "postgres.shop", "postgres.shop");
    check("DB_HOST", "postgres.shop", "postgres.shop!");
    check("X", "postgres.shop.svc", "postgres.shop.svc");
    check(
        "X",
        "postgres.shop.svc.cluster.local.",
        "postgres.shop.svc.cluster.local",
    );
    check("DB_HOST", "db.example.com", "db.example.com!");
    check("DOMAIN", "db.example.com", "db.example.com");
    check("X", "hunter_2", "");
    check("X", "hunter2", "hunter2");
    check("X", "12", "");
    check("X", "1.5", "");
    check("X", "", "");
    check("X", "two words", "");
    check("X", "-a", "");
    check("DB_HOST", "localhost", "");
    check("DB_HOST", "127.0.0.1", "");
    check("DB_HOST", "10.0.0.7", "10.0.0.7!");
    check("X", "/var/lib/postgres", "");
    check(
        "BROKERS",
        "kafka-0.kafka, kafka-1.kafka",
        "kafka-0.kafka! kafka-1.kafka!",
    );
    check("ROLES", "a,b", "");
}

#[test]
fn ports() {
    check("DB_PORT", "5432", ":5432");
    check("dbPort", "5432", ":5432");
    check("db.port", "5432", ":5432");
    check("PORT", "0", "");
    check("PORT", "65536", "");
    check("REPORT", "5432", "");
    check("DB_PIN", "5432", "");
    check("DB_PORT", "tcp://postgres:5432", "postgres:5432!");
}

#[test]
fn hosts_with_ports() {
    check("X", "postgres:5432", "postgres:5432");
    check("X", "postgres:5432/shop", "postgres:5432");
    check("X", "//db:1521/x", "db:1521");
    check("X", "postgres.shop:5432", "postgres.shop:5432");
    check("ADDR", "example.com:443", "example.com:443!");
    check("X", "smtp.example.com:587", "smtp.example.com:587!");
    check("X", "john.doe:1234", "john.doe:1234");
    check("X", "a:b", "");
    check("X", "a:0", "");
    check("X", ":8080", "");
    check("X", "0.0.0.0:8080", "");
    check("X", "[::]:8080", "");
    check("X", "12:30", "");
    check(
        "X",
        "kafka-0.kafka:9092,kafka-1.kafka:9092",
        "kafka-0.kafka:9092 kafka-1.kafka:9092",
    );
    check("X", "user:1234@tcp(mysql:3306)/db", "mysql:3306");
    check("X", "host=postgres port=5432 user=web", "postgres");
    check("X", "Server=mssql,1433;Database=x", "mssql");
    check("X", "postgres 5432", "postgres:5432");
    check(
        "X",
        "until nc -z postgres 5432; do sleep 1; done",
        "postgres:5432",
    );
    check("X", "redis-cli -h redis ping", "redis");
    check("X", "app --db-host=postgres --mode fast", "postgres");
}

#[test]
fn urls() {
    check("X", "http://web", "web:80!");
    check("X", "HTTPS://Web.Shop:8443/a?b#c", "web.shop:8443!");
    check("X", "https://api.example.com/v1", "api.example.com:443!");
    check(
        "X",
        "postgres://u:p@postgres.shop:5432/shop?x=y",
        "postgres.shop:5432!",
    );
    check("X", "postgres://u:p%40@postgres/shop", "postgres:5432!");
    check("X", "postgres://u:p@w@postgres/shop", "postgres:5432!");
    check("X", "postgres://u:p/w@postgres/shop", "postgres:5432");
    check("X", "https://web/@user", "web:443! user:443");
    check("X", "jdbc:postgresql://db:5433/x", "db:5433!");
    check("X", "jdbc:sqlserver://db;databaseName=x", "db:1433!");
    check("X", "jdbc:oracle:thin:@db:1521/x", "db:1521");
    check("X", "jdbc:oracle:thin:@//db:1521/x", "db:1521");
    check("X", "mongodb://a:27018,b/db", "a:27018! b:27017!");
    check(
        "X",
        "amqp://guest:guest@rabbit.mq.svc:5672/%2f",
        "rabbit.mq.svc:5672!",
    );
    check("X", "redis://:secret@redis:6379/0", "redis:6379!");
    check("X", "redis+sentinel://redis", "redis:6379!");
    check("X", "grpc://web", "web!");
    check("X", "s3://bucket/key", "");
    check("X", "file:///etc/passwd", "");
    check("X", "http://localhost:9090", "");
    check("X", "http://[::1]:80", "");
    check("X", "http://[2001:db8::1]:81/", "2001:db8::1:81!");
    check("X", "http://10.0.0.1:81/", "10.0.0.1:81!");
    check("X", "http://$(HOST):80/", "");
    check("X", "http://${HOST}:80/", "");
    check("X", "http://_x_/", "");
    check("X", "://web", "");
    check("X", "http://", "");
    check("X", "http://www.w3.org/2001/XMLSchema", "www.w3.org:80");
    check("X", "a http://web, b https://web)", "web:80! web:443!");
    check("X", "http://a,http://b:81", "a:80! b:81!");
    check("X", "http://a/?to=https://b", "a:80! b:443!");
}

#[test]
fn configurations() {
    check("a.yaml", "db:\n  host: postgres\n  user: web\n", "postgres");
    check(
        "a.properties",
        "# http://example.com\ndb.url=jdbc:mysql://mysql/x\n",
        "mysql:3306!",
    );
    check(
        "nginx.conf",
        "upstream x {\n  server api:8080;\n}\n",
        "x api:8080",
    );
    check(
        "nginx.conf",
        "location / {\n proxy_pass http://api.shop.svc:81;\n}",
        "api.shop.svc:81!",
    );
    check(
        "a.json",
        r#"{"host":"postgres","url":"http://web"}"#,
        "postgres web:80!",
    );
    check("run.sh", "#!/bin/sh\nexport DB_HOST=postgres\n", "postgres");
    check("a.yaml", "level: info\nlogger: a.b.c\n", "info a.b.c");
}

#[test]
fn what_is_long_says_that_there_is_more() {
    let hosts: Vec<String> = (0..100).map(|n| format!("http://h{n}")).collect();
    let found = named("X", &hosts.join(" "));
    assert_eq!((found.hosts.len(), found.more), (MOST, true));
    let long = format!("{} http://web", "x".repeat(LONGEST));
    assert!(named("X", &long).more);
}

proptest! {
    #[test]
    fn names_are_names(key in "\\PC{0,12}", value in "[ -~\n\u{e9}]{0,80}") {
        for host in named(&key, &value).hosts {
            let plain = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || matches!(b, b'-' | b'.' | b':');
            prop_assert!(host.name.bytes().all(plain), "{}", host.name);
            prop_assert!(value.to_ascii_lowercase().contains(&host.name));
        }
    }
}
