//! What a person sees while something long happens: spinners on a terminal, plain lines with
//! elapsed seconds elsewhere. Everything goes to standard error, so that standard output
//! stays free for results.

use std::borrow::Cow;
use std::io::IsTerminal as _;
use std::sync::Arc;
use std::time::{Duration, Instant};

use indicatif::{MultiProgress, ProgressBar, ProgressStyle};

/// How often a long step shows a sign of life where there is no terminal.
const HEARTBEAT: Duration = Duration::from_secs(30);

/// The display shared by all steps of one command. Clones share it.
#[derive(Clone)]
pub struct Progress {
    shared: Arc<Shared>,
}

struct Shared {
    started: Instant,
    bars: Option<MultiProgress>,
    silent: bool,
}

impl Default for Progress {
    fn default() -> Self {
        Self::new()
    }
}

impl Progress {
    /// Spinners if standard error is a terminal, lines otherwise.
    pub fn new() -> Self {
        let bars = std::io::stderr().is_terminal().then(MultiProgress::new);
        Self {
            shared: Arc::new(Shared {
                started: Instant::now(),
                bars,
                silent: false,
            }),
        }
    }

    /// Shows nothing.
    pub fn silent() -> Self {
        Self {
            shared: Arc::new(Shared {
                started: Instant::now(),
                bars: None,
                silent: true,
            }),
        }
    }

    /// Time since the command began.
    pub fn elapsed(&self) -> Duration {
        self.shared.started.elapsed()
    }

    /// Starts a step. It is shown as failed if dropped before [`Step::done`].
    pub fn step(&self, title: impl Into<Cow<'static, str>>) -> Step {
        let title = title.into();
        let bar = self.shared.bars.as_ref().map(|bars| {
            let bar = bars.add(ProgressBar::new_spinner());
            let style = ProgressStyle::with_template(
                "{spinner:.cyan} {prefix} {wide_msg:.dim} {elapsed:.dim}",
            );
            bar.set_style(style.expect("the template is a constant that parses"));
            bar.set_prefix(title.clone().into_owned());
            bar.enable_steady_tick(Duration::from_millis(100));
            bar
        });
        if bar.is_none() {
            self.line(&format!("{title} …"));
        }
        let heartbeat = bar
            .is_none()
            .then(|| Heartbeat::start(self.clone(), title.clone().into_owned()));
        Step {
            progress: self.clone(),
            title,
            bar,
            heartbeat,
            began: Instant::now(),
            ended: false,
        }
    }

    /// One line of its own, such as "PostgreSQL 15 is installed already".
    pub fn note(&self, text: &str) {
        match &self.shared.bars {
            // The bars are redrawn below the line; failing to draw must not fail the work.
            Some(bars) => drop(bars.println(format!("  {text}"))),
            None => self.line(text),
        }
    }

    fn line(&self, text: &str) {
        if self.shared.silent {
            return;
        }
        eprintln!("[{:6.1}s] {text}", self.elapsed().as_secs_f64());
    }
}

/// One thing being done.
pub struct Step {
    progress: Progress,
    title: Cow<'static, str>,
    bar: Option<ProgressBar>,
    heartbeat: Option<Heartbeat>,
    began: Instant,
    ended: bool,
}

impl Step {
    /// Says what it is busy with. Shown on terminals only, as it may change often.
    pub fn detail(&self, text: impl Into<Cow<'static, str>>) {
        if let Some(bar) = &self.bar {
            bar.set_message(text);
        }
    }

    /// Ends the step well. `outcome` may be empty.
    pub fn done(mut self, outcome: &str) {
        self.end("✓", outcome);
    }

    fn end(&mut self, mark: &str, outcome: &str) {
        if std::mem::replace(&mut self.ended, true) {
            return;
        }
        self.heartbeat = None;
        let seconds = self.began.elapsed().as_secs_f64();
        let gap = if outcome.is_empty() { "" } else { ": " };
        let text = format!("{mark} {}{gap}{outcome} ({seconds:.1} s)", self.title);
        match (&self.bar, &self.progress.shared.bars) {
            (Some(bar), Some(bars)) => {
                bar.finish_and_clear();
                drop(bars.println(text));
            }
            _ => self.progress.line(&text),
        }
    }
}

impl Drop for Step {
    fn drop(&mut self) {
        self.end("✗", "");
    }
}

/// Repeats the title of a step while it lasts. Ends when dropped.
struct Heartbeat {
    _stop: std::sync::mpsc::Sender<()>,
}

impl Heartbeat {
    fn start(progress: Progress, title: String) -> Self {
        let (stop, stopped) = std::sync::mpsc::channel::<()>();
        std::thread::spawn(move || {
            while let Err(std::sync::mpsc::RecvTimeoutError::Timeout) =
                stopped.recv_timeout(HEARTBEAT)
            {
                progress.line(&format!("{title} … still busy"));
            }
        });
        Self { _stop: stop }
    }
}
