//! The outermost layer of ours.

use doorward_engine::Engine;
use tower_layer::Layer;

use crate::service::AuthService;

/// Wraps an application; made by [`Doorward::layer`](crate::Doorward::layer).
#[derive(Clone, Debug)]
pub struct AuthLayer {
    engine: Engine,
}

impl AuthLayer {
    pub(crate) fn new(engine: Engine) -> Self {
        Self { engine }
    }
}

impl<S> Layer<S> for AuthLayer {
    type Service = AuthService<S>;

    fn layer(&self, inner: S) -> Self::Service {
        AuthService::new(self.engine.clone(), inner)
    }
}
