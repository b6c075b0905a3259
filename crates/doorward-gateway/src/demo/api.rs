//! The backend of the demo, written as an application would write it.

use std::convert::Infallible;
use std::time::Duration;

use axum::extract::State;
use axum::extract::ws::{Message, WebSocketUpgrade};
use axum::response::sse::{Event, KeepAlive, Sse};
use axum::routing::get;
use axum::{Json, response::Response};
use doorward::{Caller, Doorward, ProtectedRouter, Rule, Session, SessionSocket};
use futures_util::{Stream, stream};
use serde::Serialize;
use serde_json::Value;

use crate::clock::{now, rfc3339};
use crate::listen::Stopping;

/// Every route names its rule; what no route names is refused.
pub(super) fn routes(auth: &Doorward, takes_bearer: bool, recent_age: Duration) -> ProtectedRouter<Stopping> {
    let routes = auth
        .router()
        .route("/api/public", Rule::Public, get(public))
        .route("/api/protected", Rule::Session, get(read).post(write))
        .route("/api/admin", Rule::role("admin"), get(admin))
        .route("/api/recent", Rule::max_auth_age(recent_age), get(recent))
        .route("/api/events", Rule::Session, get(events))
        .route("/api/socket", Rule::Session, get(socket));
    if takes_bearer {
        routes.route(
            "/api/either",
            Rule::session_or_bearer(),
            get(read_either).post(write_either),
        )
    } else {
        routes
    }
}

#[derive(Serialize)]
struct Answer {
    message: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    user: Option<User>,
    #[serde(skip_serializing_if = "Option::is_none")]
    received: Option<Value>,
}

#[derive(Serialize)]
struct User {
    id: String,
    email: Option<String>,
    tenant: String,
    roles: Vec<String>,
}

impl User {
    fn of(session: &Session) -> Self {
        let user = session.user();
        Self {
            id: user.subject.clone(),
            email: user.email.clone(),
            tenant: user.tenant.clone(),
            roles: user.roles.clone(),
        }
    }
}

impl User {
    fn of_caller(caller: &Caller) -> Self {
        match caller {
            Caller::Session(session) => Self::of(session),
            Caller::Bearer(bearer) => Self {
                id: bearer.subject().to_owned(),
                email: None,
                tenant: bearer.tenant().to_owned(),
                roles: bearer.roles().to_vec(),
            },
        }
    }
}

async fn public() -> Json<Answer> {
    Json(Answer {
        message: "Anyone may read this.",
        user: None,
        received: None,
    })
}

async fn read(session: Session) -> Json<Answer> {
    Json(Answer {
        message: "You are signed in, so you may read this.",
        user: Some(User::of(&session)),
        received: None,
    })
}

async fn recent(session: Session) -> Json<Answer> {
    Json(Answer {
        message: "You signed in within the last five minutes, so you may read this.",
        user: Some(User::of(&session)),
        received: None,
    })
}

async fn write(session: Session, Json(body): Json<Value>) -> Json<Answer> {
    Json(Answer {
        message: "Your change was received.",
        user: Some(User::of(&session)),
        received: Some(body),
    })
}

async fn read_either(caller: Caller) -> Json<Answer> {
    Json(Answer {
        message: either(&caller),
        user: Some(User::of_caller(&caller)),
        received: None,
    })
}

async fn write_either(caller: Caller, Json(body): Json<Value>) -> Json<Answer> {
    Json(Answer {
        message: either(&caller),
        user: Some(User::of_caller(&caller)),
        received: Some(body),
    })
}

fn either(caller: &Caller) -> &'static str {
    match caller {
        Caller::Session(_) => "You came with a session.",
        Caller::Bearer(_) => "You came with an access token.",
    }
}

async fn admin(session: Session) -> Json<Answer> {
    Json(Answer {
        message: "Only admins read this.",
        user: Some(User::of(&session)),
        received: None,
    })
}

/// One event a second. The layer ends it with the session, and when the server stops.
async fn events(_session: Session) -> Sse<impl Stream<Item = Result<Event, Infallible>>> {
    let ticks = stream::unfold(
        (tokio::time::interval(Duration::from_secs(1)), 0_u64),
        |(mut interval, n)| async move {
            interval.tick().await;
            let data = serde_json::json!({ "n": n + 1, "time": rfc3339(now()) });
            Some((
                Ok(Event::default().event("tick").data(data.to_string())),
                (interval, n + 1),
            ))
        },
    );
    Sse::new(ticks).keep_alive(KeepAlive::default())
}

/// Sends back what it gets, until the session ends.
async fn socket(session: Session, State(stopping): State<Stopping>, upgrade: WebSocketUpgrade) -> Response {
    session.websocket(upgrade.max_message_size(64 * 1024), |socket| echo(socket, stopping))
}

async fn echo(mut socket: SessionSocket, stopping: Stopping) {
    while let Some(Ok(message)) = socket.recv().await {
        let is_said = matches!(message, Message::Text(_) | Message::Binary(_));
        if is_said && socket.send(message).await.is_err() {
            break;
        }
    }
    // Kept until the farewell is out: the stop waits for that.
    drop(stopping);
}
