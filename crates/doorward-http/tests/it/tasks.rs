//! Jobs run to their end, with or without the runtime at hand.

use std::sync::mpsc;
use std::time::Duration;

use doorward_core::ports::Tasks as _;
use doorward_http::TokioTasks;

#[tokio::test]
async fn a_job_outlives_the_one_who_started_it() {
    let (done, finished) = tokio::sync::oneshot::channel();
    let request = tokio::spawn(async move {
        let tasks = TokioTasks::new();
        let sleeping = tasks.sleep(Duration::from_millis(5));
        tasks.spawn(Box::pin(async move {
            sleeping.await;
            done.send("done").unwrap();
        }));
        std::future::pending::<()>().await;
    });
    tokio::task::yield_now().await;
    request.abort();
    assert_eq!(finished.await, Ok("done"));
}

#[test]
fn outside_a_runtime_the_given_handle_is_used() {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .enable_all()
        .build()
        .unwrap();
    let tasks = TokioTasks::on(runtime.handle().clone());
    let (done, finished) = mpsc::channel();
    tasks.spawn(Box::pin(async move { done.send(()).unwrap() }));
    assert!(finished.recv_timeout(Duration::from_secs(10)).is_ok());
}

#[test]
fn without_any_runtime_a_job_is_dropped_without_a_panic() {
    let (done, finished) = mpsc::channel::<()>();
    TokioTasks::new().spawn(Box::pin(async move { done.send(()).unwrap() }));
    assert!(finished.recv().is_err());
    drop(TokioTasks::new().sleep(Duration::from_secs(1)));
}
