//! Logging in, TLS, headers, and what is refused before anything is sent.
//! Never waits for a real server.

use std::time::{Duration, Instant};

use serde_json::json;

use super::run;
use crate::kubernetes::cluster::Connection;
use crate::kubernetes::cluster::fake::{Fake, Reply};
use crate::kubernetes::names::Kind;
use crate::kubernetes::objects::{Objects, Query};
use crate::kubernetes::{AccessError, Reader};

fn empty_list() -> Reply {
    Reply::json(200, json!({"kind": "List", "metadata": {}, "items": []}))
}

fn pods() -> [Query; 1] {
    [Query::all(Kind::Pod)]
}

#[test]
fn every_request_says_who_asks_and_as_whom() {
    run(async {
        let server = Fake::tls(|_, _| empty_list()).await;
        let flags = Connection {
            impersonate: Some("jane".into()),
            impersonate_groups: vec!["dev".into(), "ops".into()],
            impersonate_uid: Some("7".into()),
            ..Connection::default()
        };
        let (cluster, told) = server.connect_with("{token: hush}", flags).unwrap();
        assert_eq!((cluster.namespace(), cluster.context(), cluster.user()), (Some("shop"), Some("here"), Some("me")));
        assert_eq!(cluster.requests(), 0);
        cluster.read(&pods(), &mut Objects::default()).await.unwrap();
        let asked = &server.asked()[0];
        assert_eq!(asked.header("authorization"), "Bearer hush");
        assert_eq!(asked.header("impersonate-user"), "jane");
        assert_eq!(asked.header("impersonate-group"), "dev,ops");
        assert_eq!(asked.header("impersonate-uid"), "7");
        assert_eq!(asked.header("accept-encoding"), "gzip");
        let agent = asked.header("user-agent");
        assert!(agent.starts_with(concat!("kubectl-zerotrust/", env!("CARGO_PKG_VERSION"), " (")), "{agent}");
        assert_eq!(cluster.requests(), 1);
        assert!(!told.everything().contains("hush"));
    });
}

#[test]
fn compressed_answers_are_read_and_can_be_turned_off() {
    run(async {
        let server = Fake::plain(|asked, _| {
            let list = json!({"items": [{"metadata": {"name": "web", "namespace": "shop"}}]}).to_string();
            if asked.header("accept-encoding").is_empty() {
                return Reply::json(200, list);
            }
            let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
            std::io::Write::write_all(&mut gzip, list.as_bytes()).unwrap();
            let reply = Reply { body: gzip.finish().unwrap(), ..Reply::json(200, "") };
            reply.with("Content-Encoding", "gzip")
        })
        .await;
        for disable_compression in [None, Some(true)] {
            let flags = Connection { disable_compression, ..Connection::default() };
            let (cluster, _) = server.connect_with("{}", flags).unwrap();
            let mut objects = Objects::default();
            cluster.read(&pods(), &mut objects).await.unwrap();
            assert_eq!(objects.pods.items[0].metadata.name, "web");
        }
        let encodings: Vec<String> = server.asked().iter().map(|a| a.header("accept-encoding").to_string()).collect();
        assert_eq!(encodings, ["gzip", ""]);
    });
}

#[cfg(unix)]
#[test]
fn an_exec_plugin_runs_once_however_much_is_asked() {
    run(async {
        let server = Fake::tls(|_, _| empty_list()).await;
        let runs = server.file("runs", "");
        let script = server.file(
            "login.sh",
            &format!(
                "echo run >> {}\necho '{{\"kind\":\"ExecCredential\",\"apiVersion\":\"client.authentication.k8s.io/v1\",\
                 \"status\":{{\"token\":\"from-plugin\",\"expirationTimestamp\":\"2020-01-01T00:00:00Z\"}}}}'\n",
                runs.display()
            ),
        );
        let user = format!(
            "{{exec: {{apiVersion: client.authentication.k8s.io/v1, command: /bin/sh, args: [{}], interactiveMode: Never}}}}",
            script.display()
        );
        let (cluster, _) = server.connect(&user).unwrap();
        for _ in 0..3 {
            cluster.read(&[Query::all(Kind::Pod), Query::all(Kind::Node)], &mut Objects::default()).await.unwrap();
        }
        assert_eq!(std::fs::read_to_string(runs).unwrap(), "run\n");
        assert!(server.asked().iter().all(|asked| asked.header("authorization") == "Bearer from-plugin"));
    });
}

#[cfg(unix)]
#[test]
fn nothing_secret_goes_over_plain_http_and_no_plugin_runs_for_it() {
    run(async {
        let server = Fake::plain(|_, _| empty_list()).await;
        let runs = server.file("runs", "");
        let exec = format!(
            "{{exec: {{apiVersion: client.authentication.k8s.io/v1, command: /bin/sh, args: ['-c', 'echo run >> {}'], interactiveMode: Never}}}}",
            runs.display()
        );
        for user in [
            "{token: hush}",
            "{username: me, password: hush}",
            "{client-certificate-data: aHVzaA==, client-key-data: aHVzaA==}",
            "{tokenFile: /nowhere}",
            "{auth-provider: {name: oidc, config: {id-token: hush}}}",
            &exec,
        ] {
            let error = server.connect(user).err().unwrap();
            let AccessError::Credentials(text) = &error else { panic!("{error:?}") };
            assert!(text.contains("plain http") && text.contains("user \"me\"") && !text.contains("hush"), "{text}");
        }
        assert_eq!(std::fs::read_to_string(runs).unwrap(), "");
        assert!(server.asked().is_empty());
        server.connect("{}").unwrap().0.read(&pods(), &mut Objects::default()).await.unwrap();
        assert_eq!(server.asked()[0].header("authorization"), "");
    });
}

#[test]
fn a_certificate_of_an_unknown_authority_is_said_in_words_and_not_tried_again() {
    run(async {
        let (mine, other) = (Fake::tls(|_, _| empty_list()).await, Fake::tls(|_, _| empty_list()).await);
        let flags = Connection {
            certificate_authority: Some(other.file("other.crt", &other.authority)),
            ..Connection::default()
        };
        let (cluster, _) = mine.connect_with("{token: hush}", flags).unwrap();
        let error = cluster.read(&pods(), &mut Objects::default()).await.unwrap_err().to_string();
        assert!(
            error.contains(&mine.url) && error.contains("authority") && error.contains("not trusted here"),
            "{error}"
        );
        assert!(!error.contains("hush") && !error.contains("Service("), "{error}");
        assert_eq!(cluster.requests(), 1);
        let flags = Connection { insecure_skip_tls_verify: Some(true), ..Connection::default() };
        mine.connect_with("{}", flags).unwrap().0.read(&pods(), &mut Objects::default()).await.unwrap();
    });
}

#[test]
fn a_tls_server_name_is_what_the_certificate_is_held_against() {
    run(async {
        let server = Fake::tls(|_, _| empty_list()).await;
        for (name, fits) in [("localhost", true), ("elsewhere", false)] {
            let flags = Connection { tls_server_name: Some(name.into()), ..Connection::default() };
            let (cluster, _) = server.connect_with("{}", flags).unwrap();
            let answer = cluster.read(&pods(), &mut Objects::default()).await;
            assert_eq!(answer.is_ok(), fits, "{answer:?}");
            if let Err(error) = answer {
                assert!(error.to_string().contains("for other names"), "{error}");
            }
        }
    });
}

#[test]
fn a_server_that_is_silent_is_given_up_after_the_timeout() {
    run(async {
        let server = Fake::plain(|_, _| Reply { delay: Duration::from_secs(60), ..empty_list() }).await;
        let flags = Connection { request_timeout: Some(Duration::from_millis(200)), ..Connection::default() };
        let (cluster, _) = server.connect_with("{}", flags).unwrap();
        let started = Instant::now();
        let error = cluster.read(&pods(), &mut Objects::default()).await.unwrap_err();
        assert!(started.elapsed() < Duration::from_secs(10));
        let AccessError::Unavailable(text) = &error else { panic!("{error:?}") };
        assert!(text.contains(&server.url) && text.contains("0.2 s"), "{text}");
        let none = Connection { request_timeout: Some(Duration::ZERO), ..Connection::default() };
        let server = Fake::plain(|_, _| Reply { delay: Duration::from_millis(300), ..empty_list() }).await;
        server.connect_with("{}", none).unwrap().0.read(&pods(), &mut Objects::default()).await.unwrap();
    });
}

#[test]
fn addresses_that_are_none_are_refused() {
    run(async {
        let server = Fake::plain(|_, _| empty_list()).await;
        for (address, reason) in
            [("https://", "not a URL"), ("ftp://h", "ftp://"), ("https://me:hush@h:6443", "user name or password")]
        {
            let flags = Connection { server: Some(address.into()), ..Connection::default() };
            let error = server.connect_with("{}", flags).err().unwrap().to_string();
            assert!(error.contains(reason) && !error.contains("hush"), "{error}");
        }
        // kubectl's rule: no scheme and no word of TLS is plain http.
        let bare = server.url.trim_start_matches("http://").to_string();
        let flags = Connection { server: Some(bare), ..Connection::default() };
        server.connect_with("{}", flags).unwrap().0.read(&pods(), &mut Objects::default()).await.unwrap();
    });
}

#[test]
fn an_authority_without_a_certificate_names_the_file() {
    run(async {
        let server = Fake::tls(|_, _| empty_list()).await;
        let flags = Connection { certificate_authority: Some(server.file("empty.crt", "x")), ..Connection::default() };
        let error = server.connect_with("{}", flags).err().unwrap();
        assert!(matches!(&error, AccessError::File { path, .. } if path.ends_with("empty.crt")), "{error:?}");
        let flags = Connection { certificate_authority: Some("/nowhere/ca".into()), ..Connection::default() };
        let error = server.connect_with("{}", flags).err().unwrap();
        assert!(matches!(&error, AccessError::File { path, .. } if path == "/nowhere/ca"), "{error:?}");
    });
}

#[test]
fn a_proxy_is_asked_for_the_server_unless_no_proxy_names_the_server() {
    run(async {
        let proxy = Fake::plain(|_, _| Reply::text(403, "not through here")).await;
        let environment = [("HTTPS_PROXY", proxy.url.as_str()), ("NO_PROXY", "127.0.0.1,10.9.9.8")];
        // Nothing listens at the address: without the proxy there is no way to it.
        let flags = Connection {
            server: Some("https://10.9.9.9:6443".into()),
            request_timeout: Some(Duration::from_secs(5)),
            ..Connection::default()
        };
        let (cluster, _) = proxy.connect_from("{token: hush}", flags, &environment).unwrap();
        let error = cluster.read(&pods(), &mut Objects::default()).await.unwrap_err().to_string();
        assert!(error.contains("https://10.9.9.9:6443"), "{error}");
        let asked = &proxy.asked()[0];
        assert_eq!((asked.method.as_str(), asked.path.as_str()), ("CONNECT", "10.9.9.9:6443"));
        assert_eq!(asked.header("authorization"), "");
        let server = Fake::tls(|_, _| empty_list()).await;
        let (cluster, _) = server.connect_from("{}", Connection::default(), &environment).unwrap();
        cluster.read(&pods(), &mut Objects::default()).await.unwrap();
        let wrong = [("HTTPS_PROXY", "gopher://x")];
        let flags = Connection { server: Some("https://10.9.9.9:6443".into()), ..Connection::default() };
        let error = server.connect_from("{}", flags, &wrong).err().unwrap().to_string();
        assert!(error.contains("HTTPS_PROXY"), "{error}");
    });
}

#[test]
fn a_server_that_speaks_tls_says_so_to_plain_http() {
    run(async {
        // As Go's HTTP server answers.
        let server = Fake::plain(|_, _| Reply::text(400, "Client sent an HTTP request to an HTTPS server.\n")).await;
        let error = server.connect("{}").unwrap().0.read(&pods(), &mut Objects::default()).await.unwrap_err();
        assert!(matches!(&error, AccessError::Unavailable(text) if text.contains("an HTTPS server")), "{error:?}");
    });
}

#[test]
fn an_oidc_token_that_cannot_be_renewed_is_a_matter_of_credentials() {
    run(async {
        let server = Fake::tls(|_, _| empty_list()).await;
        // `{}` and `{"exp":1}`: it ran out in 1970. Nothing listens at the issuer.
        let user = "{auth-provider: {name: oidc, config: {id-token: e30.eyJleHAiOjF9.hush, refresh-token: hush, \
                    client-id: c, client-secret: hush, idp-issuer-url: 'https://127.0.0.1:1'}}}";
        let (cluster, told) = server.connect(user).unwrap();
        assert_eq!(told.texts().len(), 1, "{:?}", told.texts());
        let error = cluster.read(&pods(), &mut Objects::default()).await.unwrap_err();
        let AccessError::Credentials(text) = &error else { panic!("{error:?}") };
        assert!(text.contains("refreshing failed") && !text.contains("hush"), "{text}");
        assert_eq!((cluster.requests(), server.asked().len()), (1, 0));
    });
}

#[test]
fn a_path_in_the_servers_address_stays_in_front() {
    run(async {
        let server = Fake::plain(|_, _| empty_list()).await;
        // As Rancher has it.
        let flags = Connection { server: Some(format!("{}/k8s/clusters/c-1/", server.url)), ..Connection::default() };
        server.connect_with("{}", flags).unwrap().0.read(&pods(), &mut Objects::default()).await.unwrap();
        assert_eq!(server.paths(), ["GET /k8s/clusters/c-1/api/v1/pods?limit=500"]);
    });
}
