//! The hot path under criterion: the guard and, beside it, the steps it is made of.
//!
//! `cargo bench -p doorward-bench --bench hot_path`; what the ratios are is printed by `--bench ratios`,
//! which measures by turns.

#[path = "../support/mod.rs"]
mod support;

use std::hint::black_box;

use criterion::{BatchSize, Criterion, Throughput};
use doorward_engine::{Commit, RequestContext, Rule};
use http::HeaderMap;
use support::parts::Parts;
use support::{Incoming, authenticate, sign_in, unrelated};

fn main() {
    let runtime = support::runtime();
    let signed_in = runtime.block_on(sign_in());
    let mut criterion = Criterion::default().configure_from_args();
    session(&mut criterion, &signed_in);
    parts(&mut criterion, &signed_in);
    unrelated_cookies(&mut criterion, &signed_in);
    criterion.final_summary();
}

fn session(criterion: &mut Criterion, signed_in: &support::SignedIn) {
    let engine = signed_in.auth.engine();
    let (with, without) = (Incoming::get(Some(&signed_in.cookie)), Incoming::get(None));
    let rule = Rule::Session;
    assert!(authenticate(engine, &with, &rule, |_| {}) && !authenticate(engine, &without, &rule, |_| {}));

    let mut group = criterion.benchmark_group("guard");
    group.bench_function("cookie header to authenticated session", |bencher| {
        bencher.iter(|| authenticate(engine, black_box(&with), &rule, |_| {}));
    });
    group.bench_function("the same and the user read", |bencher| {
        bencher.iter(|| {
            authenticate(engine, black_box(&with), &rule, |session| {
                black_box(session.user());
            })
        });
    });
    group.bench_function("the same and the access token read", |bencher| {
        bencher.iter(|| {
            authenticate(engine, black_box(&with), &rule, |session| {
                let _ = black_box(session.access_token());
            })
        });
    });
    group.bench_function("refusal without a cookie, decision", |bencher| {
        bencher.iter(|| authenticate(engine, black_box(&without), &rule, |_| {}));
    });
    let context = RequestContext::new(engine, without.view());
    let denial = doorward_engine::Denial::session_missing();
    group.bench_function("refusal without a cookie, answer", |bencher| {
        bencher.iter(|| engine.refuse(&context, black_box(&denial)));
    });
    group.bench_function("response of an everyday request", |bencher| {
        bencher.iter_batched_ref(
            || {
                let context = RequestContext::new(engine, with.view());
                let _ = engine.guard(&context, with.view(), &rule);
                (context, HeaderMap::with_capacity(8))
            },
            |(context, headers)| {
                if let Commit::Ready(cookies) = engine.commit(context) {
                    engine.finish(context, cookies, headers);
                }
            },
            BatchSize::SmallInput,
        );
    });
    group.finish();
}

fn parts(criterion: &mut Criterion, signed_in: &support::SignedIn) {
    let with = Incoming::get(Some(&signed_in.cookie));
    let parts = Parts::of(signed_in);
    let mut buffer = vec![0; parts.sealed.len()];
    let mut group = criterion.benchmark_group("parts");
    group.bench_function("cookie scan", |bencher| {
        bencher.iter(|| parts.scan(&black_box(&with).headers));
    });
    group.bench_function("base64-simd decode", |bencher| {
        bencher.iter(|| black_box(&parts).decode())
    });
    group.bench_function("copy and AEAD open", |bencher| {
        bencher.iter(|| black_box(&parts).open(&mut buffer));
    });
    group.bench_function("payload decode", |bencher| {
        bencher.iter(|| black_box(black_box(&parts).read()).revision);
    });
    group.finish();
}

fn unrelated_cookies(criterion: &mut Criterion, signed_in: &support::SignedIn) {
    let engine = signed_in.auth.engine();
    let rule = Rule::Session;
    let mut group = criterion.benchmark_group("unrelated cookies");
    for bytes in [0, 2_000, 6_000] {
        let header = format!("{}{}", unrelated(bytes, 100), signed_in.cookie);
        let incoming = Incoming::get(Some(&header));
        group.throughput(Throughput::Bytes(header.len() as u64));
        group.bench_function(format!("{bytes} bytes"), |bencher| {
            bencher.iter(|| authenticate(engine, black_box(&incoming), &rule, |_| {}));
        });
    }
    group.finish();
}
