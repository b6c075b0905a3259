use super::*;

/// A location in one line: what it says, passwords included, for comparing.
fn shown(url: &str) -> Result<String, UrlError> {
    let location = Location::parse(url)?;
    let account = |account: &Account| {
        let password = account.password.as_ref().map_or("-", SecretString::expose);
        format!("{}/{password}", account.user.as_deref().unwrap_or("-"))
    };
    let addresses = |addresses: &[Address]| {
        let texts: Vec<String> = addresses.iter().map(Address::to_string).collect();
        texts.join(" ")
    };
    let arrangement = match &location.arrangement {
        Arrangement::Single(address) => format!("single {address}"),
        Arrangement::Sentinel {
            sentinels,
            name,
            account: to_sentinels,
        } => format!(
            "sentinel {} as {} name {name}",
            addresses(sentinels),
            account(to_sentinels)
        ),
        Arrangement::Cluster(nodes) => format!("cluster {}", addresses(nodes)),
    };
    let tls = if location.tls { "tls" } else { "plain" };
    let authority = location.authority.as_deref().unwrap_or("-");
    let Location { database, .. } = location;
    Ok(format!(
        "{arrangement} {tls} {} db {database} ca {authority}",
        account(&location.account)
    ))
}

#[test]
fn each_form_of_url_is_read() {
    for (url, expected) in [
        ("redis://localhost", "single localhost:6379 plain -/- db 0 ca -"),
        ("redis://localhost:1/", "single localhost:1 plain -/- db 0 ca -"),
        (
            "rediss://user:p%40s%3As@h.example:6380/3",
            "single h.example:6380 tls user/p@s:s db 3 ca -",
        ),
        (
            "redis://:secret@127.0.0.1:6379/0",
            "single 127.0.0.1:6379 plain -/secret db 0 ca -",
        ),
        ("redis://:a@b@127.0.0.1", "single 127.0.0.1:6379 plain -/a@b db 0 ca -"),
        ("redis://[::1]:7000", "single [::1]:7000 plain -/- db 0 ca -"),
        ("redis://[::1]", "single [::1]:6379 plain -/- db 0 ca -"),
        (
            "rediss://h/1?ca=/etc/ssl/private%20ca.pem",
            "single h:6379 tls -/- db 1 ca /etc/ssl/private ca.pem",
        ),
        (
            "redis+sentinel://u:p@s1,s2:26380,[::1]/mymaster/2?sentinel_user=w&sentinel_password=x",
            "sentinel s1:26379 s2:26380 [::1]:26379 as w/x name mymaster plain u/p db 2 ca -",
        ),
        (
            "rediss+sentinel://s1/m?sentinel_password=x",
            "sentinel s1:26379 as -/x name m tls -/- db 0 ca -",
        ),
        (
            "rediss+cluster://u:p@n1:7000,n2:7001,n3?ca=ca.pem",
            "cluster n1:7000 n2:7001 n3:6379 tls u/p db 0 ca ca.pem",
        ),
        ("redis+cluster://n1/0", "cluster n1:6379 plain -/- db 0 ca -"),
    ] {
        assert_eq!(shown(url).as_deref(), Ok(expected), "{url}");
    }
}

#[test]
fn what_cannot_be_meant_is_refused_by_name() {
    let long = format!("redis://{}", "a".repeat(MAX_URL));
    let many = format!("redis+cluster://{}", vec!["n"; MAX_HOSTS + 1].join(","));
    for (url, expected) in [
        (long.as_str(), UrlError::TooLong),
        ("", UrlError::Scheme),
        ("localhost:6379", UrlError::Scheme),
        ("http://h", UrlError::Scheme),
        ("postgres://h", UrlError::Scheme),
        ("redis+tls://h", UrlError::Scheme),
        ("redis+://h", UrlError::Scheme),
        ("unix://h", UrlError::Scheme),
        ("redis://", UrlError::Hosts),
        ("redis://a,b", UrlError::Hosts),
        ("redis://h:0", UrlError::Hosts),
        ("redis://h:65536", UrlError::Hosts),
        ("redis://h:+1", UrlError::Hosts),
        ("redis://h:", UrlError::Hosts),
        ("redis://::1", UrlError::Hosts),
        ("redis://[h]:1", UrlError::Hosts),
        ("redis://h h", UrlError::Hosts),
        (many.as_str(), UrlError::Hosts),
        ("redis+cluster://a,,b", UrlError::Hosts),
        ("redis://user@h", UrlError::Account),
        ("redis://user:@h", UrlError::Account),
        ("redis://u:%zz@h", UrlError::Account),
        ("redis://u:%ff@h", UrlError::Account),
        ("redis://u:a%00b@h", UrlError::Account),
        ("redis://h/x", UrlError::Path),
        ("redis://h/-1", UrlError::Path),
        ("redis://h/1/2", UrlError::Path),
        ("redis+sentinel://h", UrlError::Path),
        ("redis+sentinel://h/", UrlError::Path),
        ("redis+sentinel://h/m/x", UrlError::Path),
        ("redis+cluster://h/1", UrlError::ClusterDatabase),
        ("redis://h?ca=x", UrlError::Parameter),
        ("rediss://h?ca=", UrlError::Parameter),
        ("rediss://h?ca=x&ca=y", UrlError::Parameter),
        ("rediss://h?insecure=true", UrlError::Parameter),
        ("rediss://h#insecure", UrlError::Parameter),
        ("redis://h?sentinel_password=x", UrlError::Parameter),
        ("redis+sentinel://h/m?sentinel_user=x", UrlError::Parameter),
    ] {
        assert_eq!(shown(url), Err(expected), "{url}");
    }
}

#[test]
fn no_error_shows_a_part_of_the_url() {
    for url in [
        "http://user:hunter2@h",
        "redis://user:hunter2@",
        "redis://u:hunter2@h/hunter2",
        "redis://hunter2@h",
    ] {
        let error = shown(url).expect_err("a URL that cannot be used");
        assert!(!format!("{error} {error:?}").contains("hunter2"), "{url}");
    }
}
