//! What plugins say of their settings, without the secrets in them: whoever reads logs is not whom they were meant for.

use tamis_config::PluginSpec;
use tamis_host::StartError;

/// Shorter ones are no secrets, and to hide them would make words unreadable.
const BYTES_MIN: usize = 4;

/// `error`, which the plugin of `spec` began with its settings, with `***` in the place of each secret among them.
pub(crate) fn secrets(spec: &PluginSpec, error: StartError) -> StartError {
    let hide = |text: String| {
        let secrets = spec.secrets.iter().map(|it| it.expose());
        let long = secrets.filter(|it| it.len() >= BYTES_MIN);
        long.fold(text, |text, secret| text.replace(secret, "***"))
    };
    match error {
        StartError::Settings { field, message } => StartError::Settings {
            field: hide(field),
            message: hide(message),
        },
        StartError::Failed(mut failure) => {
            failure.message = failure.message.map(hide);
            StartError::Failed(failure)
        }
    }
}
