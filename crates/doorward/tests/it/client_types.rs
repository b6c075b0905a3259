//! The types of the browser package's answers, held against what the server answers.

use std::collections::BTreeSet;

use doorward::Sessions;
use doorward_testkit::Page;
use http::{Method, StatusCode};
use serde_json::{Map, Value};

use crate::support::{SECRET, World};

/// The members of an interface in `packages/client/src/types.ts`: those that are always there, and those that may be.
struct Interface {
    required: BTreeSet<String>,
    optional: BTreeSet<String>,
}

impl Interface {
    fn read(name: &str) -> Self {
        let types = include_str!("../../../../packages/client/src/types.ts");
        let (_, after) = types.split_once(&format!("export interface {name}")).expect(name);
        let (_, body) = after.split_once("{\n").expect(name);
        let (body, _) = body.split_once("\n}").expect(name);
        let mut interface = Self {
            required: BTreeSet::new(),
            optional: BTreeSet::new(),
        };
        let lines = body.lines().map(str::trim);
        for line in lines.filter(|line| !line.starts_with("/**") && !line.starts_with('*')) {
            let (member, _) = line.split_once(':').expect(line);
            match member.strip_suffix('?') {
                Some(member) => interface.optional.insert(member.to_owned()),
                None => interface.required.insert(member.to_owned()),
            };
        }
        interface
    }

    fn check(&self, page: &Page) {
        let answer: Map<String, Value> = page.json();
        let members: BTreeSet<String> = answer.keys().cloned().collect();
        let missing: Vec<_> = self.required.difference(&members).collect();
        assert!(missing.is_empty(), "{missing:?} missing in {}", page.text());
        let known: BTreeSet<String> = self.required.union(&self.optional).cloned().collect();
        let unknown: Vec<_> = members.difference(&known).collect();
        assert!(unknown.is_empty(), "{unknown:?} unknown in {}", page.text());
    }
}

#[tokio::test]
async fn answers_have_the_members_that_the_browser_package_knows() {
    let world = World::build(Sessions::cookie(SECRET), |builder| builder.token_endpoint(true));
    let problem = Interface::read("Problem");
    problem.check(&world.browser.get("/auth/session").await);
    world.sign_in().await;
    Interface::read("Session").check(&world.browser.get("/auth/session").await);
    Interface::read("Token").check(&world.browser.get("/auth/token").await);
    let refused = world.browser.request(Method::POST, "/api/me").send().await;
    assert_eq!(refused.status, StatusCode::FORBIDDEN, "{}", refused.text());
    problem.check(&refused);
    let farewell = world.browser.request(Method::POST, "/auth/logout").send().await;
    assert_eq!(farewell.status, StatusCode::OK, "{}", farewell.text());
    Interface::read("Farewell").check(&farewell);
}

#[tokio::test]
async fn demand_for_a_fresher_sign_in_has_them_too() {
    let world = World::new();
    world.sign_in().await;
    world.advance(301);
    let page = world.browser.get("/api/recent").await;
    assert_eq!(page.problem_code(), "step_up_required");
    let problem = Interface::read("Problem");
    problem.check(&page);
    let answer: Map<String, Value> = page.json();
    assert!(
        answer.contains_key("max_age") && problem.optional.contains("max_age"),
        "{}",
        page.text()
    );
}
