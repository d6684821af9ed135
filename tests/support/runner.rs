//! Runs the tests of a binary and tells passed, failed and skipped apart.
//!
//! Own code, and not the standard harness, for one reason: whether a test can run is often known only once it has
//! started (an install failed, a tool is too old), and it must then be *named as skipped* rather than pass.
//! Every test gets its own thread-bound runtime; the last line is always `N passed, N failed, N skipped`.

use std::future::Future;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::process::ExitCode;
use std::sync::Mutex;
use std::time::{Duration, Instant};

use crate::needs::Skip;

type Run = Box<dyn FnOnce() -> Pin<Box<dyn Future<Output = anyhow::Result<Vec<Part>>>>> + Send>;

/// One of the things that a test looked at and that count for themselves.
#[derive(Debug, PartialEq, Eq)]
pub struct Part {
    /// What it is.
    pub name: String,
    /// Why it failed, if it did.
    pub failure: Option<String>,
}

/// One test: a name and what to run.
pub struct Test {
    name: String,
    run: Run,
}

impl Test {
    /// A test named `name` that runs `future()`.
    pub fn new<F, R>(name: impl Into<String>, future: F) -> Self
    where
        F: FnOnce() -> R + Send + 'static,
        R: Future<Output = anyhow::Result<()>> + 'static,
    {
        Self::in_parts(name, || async { future().await.map(|()| Vec::new()) })
    }

    /// A test whose parts are reported and counted by their own names. It has to have some.
    pub fn in_parts<F, R>(name: impl Into<String>, future: F) -> Self
    where
        F: FnOnce() -> R + Send + 'static,
        R: Future<Output = anyhow::Result<Vec<Part>>> + 'static,
    {
        Self { name: name.into(), run: Box::new(move || Box::pin(future())) }
    }
}

/// Declares `tests()`, the list of a suite's test functions, named after its module. A function that is missing in the
/// list is dead code, which is denied.
#[macro_export]
macro_rules! suite {
    ($($function:ident),+ $(,)?) => {
        /// The tests of this suite.
        pub(crate) fn tests() -> Vec<$crate::runner::Test> {
            let suite = module_path!().rsplit("::").next().unwrap_or_default();
            vec![$($crate::runner::Test::new(format!("{suite}::{}", stringify!($function)), $function)),+]
        }
    };
}

/// How a test ended.
#[derive(Debug, PartialEq, Eq)]
enum Outcome {
    Passed,
    Failed(String),
    Skipped(String),
    /// In parts, each of which passed or failed.
    Divided(Vec<Part>),
}

/// Counts, and the names that need a second look.
#[derive(Debug, Default)]
struct Summary {
    passed: usize,
    failed: Vec<String>,
    skipped: Vec<String>,
}

impl Summary {
    fn add(&mut self, name: &str, outcome: &Outcome) {
        match outcome {
            Outcome::Passed => self.passed += 1,
            Outcome::Failed(_) => self.failed.push(name.to_owned()),
            Outcome::Skipped(why) => self.skipped.push(format!("{name}: {why}")),
            Outcome::Divided(parts) => {
                let failed = parts.iter().filter(|part| part.failure.is_some());
                self.failed.extend(failed.map(|part| format!("{name}: {}", part.name)));
                self.passed += parts.iter().filter(|part| part.failure.is_none()).count();
            }
        }
    }

    fn line(&self) -> String {
        format!("{} passed, {} failed, {} skipped", self.passed, self.failed.len(), self.skipped.len())
    }
}

/// Runs those of `tests` whose name contains one of `filters` (all, without any), two at a time for each processor:
/// they mostly wait. Fails if one failed or if none ran.
#[must_use]
pub fn run(tests: Vec<Test>, filters: &[String]) -> ExitCode {
    let wanted = |test: &Test| filters.is_empty() || filters.iter().any(|filter| test.name.contains(filter.as_str()));
    let queue = Mutex::new(tests.into_iter().filter(wanted).rev().collect::<Vec<_>>());
    let summary = Mutex::new(Summary::default());
    let threads = std::thread::available_parallelism().map_or(2, |count| count.get() * 2);
    std::thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| work(&queue, &summary));
        }
    });
    let summary = summary.into_inner().unwrap();
    for name in &summary.failed {
        println!("FAILED  {name}");
    }
    println!("{}", summary.line());
    let good = summary.failed.is_empty() && summary.passed + summary.skipped.len() > 0;
    if good { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn work(queue: &Mutex<Vec<Test>>, summary: &Mutex<Summary>) {
    loop {
        let Some(Test { name, run }) = queue.lock().unwrap().pop() else { return };
        let started = Instant::now();
        let outcome = outcome(run);
        println!("{}", report(&name, &outcome, started.elapsed()));
        summary.lock().unwrap().add(&name, &outcome);
    }
}

fn outcome(run: Run) -> Outcome {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    match catch_unwind(AssertUnwindSafe(|| runtime.block_on(run()))) {
        Ok(Ok(parts)) if parts.is_empty() => Outcome::Passed,
        Ok(Ok(parts)) => Outcome::Divided(parts),
        Ok(Err(error)) => match error.downcast_ref::<Skip>() {
            Some(Skip(why)) => Outcome::Skipped(why.replace('\n', " ")),
            None => Outcome::Failed(format!("{error:#}")),
        },
        Err(panic) => Outcome::Failed(match panic.downcast::<String>() {
            Ok(text) => *text,
            Err(other) => other.downcast_ref::<&str>().map_or("panicked", |text| text).to_owned(),
        }),
    }
}

/// What is printed when a test has ended, in one piece, so that tests that run together do not mix.
fn report(name: &str, outcome: &Outcome, took: Duration) -> String {
    let seconds = took.as_secs_f32();
    match outcome {
        Outcome::Passed => format!("ok      {name} ({seconds:.1} s)"),
        Outcome::Skipped(why) => format!("skip    {name}: {why}"),
        Outcome::Divided(parts) => {
            let line = |part: &Part| match &part.failure {
                None => format!("ok      {name}: {}\n", part.name),
                Some(why) => format!("FAIL    {name}: {}\n        {why}\n", part.name),
            };
            let lines: String = parts.iter().map(line).collect();
            format!("{lines}        {} parts ({seconds:.1} s)", parts.len())
        }
        Outcome::Failed(why) => format!("FAIL    {name} ({seconds:.1} s)\n        {}", why.replace('\n', "\n        ")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn passes() -> anyhow::Result<()> {
        Ok(())
    }
    async fn fails() -> anyhow::Result<()> {
        anyhow::bail!("no")
    }
    async fn panics() -> anyhow::Result<()> {
        let answer = passes().await.is_ok();
        assert!(!answer, "on purpose: {answer}");
        Ok(())
    }
    async fn skips() -> anyhow::Result<()> {
        Err(Skip("no\ntool".into()))?;
        Ok(())
    }
    suite! { passes, fails, panics, skips }

    #[test]
    fn passed_failed_and_skipped_are_told_apart() {
        let outcomes: Vec<_> = tests().into_iter().map(|test| (test.name, outcome(test.run))).collect();
        assert_eq!(outcomes[0], ("tests::passes".to_owned(), Outcome::Passed));
        assert!(matches!(&outcomes[1].1, Outcome::Failed(why) if why.starts_with("no")));
        assert!(matches!(&outcomes[2].1, Outcome::Failed(why) if why.starts_with("on purpose: true")));
        assert_eq!(outcomes[3].1, Outcome::Skipped("no tool".into()));
        let mut summary = Summary::default();
        for (name, outcome) in &outcomes {
            summary.add(name, outcome);
        }
        assert_eq!(summary.line(), "1 passed, 2 failed, 1 skipped");
        assert_eq!(summary.skipped, ["tests::skips: no tool"]);
    }

    #[test]
    fn parts_count_for_themselves() {
        let part = |name: &str, failure: Option<&str>| Part { name: name.into(), failure: failure.map(str::to_owned) };
        let test = Test::in_parts("all", move || async move {
            Ok(vec![part("one", None), part("two", Some("no")), part("three", None)])
        });
        let outcome = outcome(test.run);
        let mut summary = Summary::default();
        summary.add(&test.name, &outcome);
        assert_eq!(
            (summary.line().as_str(), summary.failed),
            ("2 passed, 1 failed, 0 skipped", vec!["all: two".into()])
        );
        let told = report("all", &outcome, Duration::ZERO);
        assert!(told.starts_with("ok      all: one\nFAIL    all: two\n        no\nok      all: three\n"), "{told}");
    }

    #[test]
    fn a_failure_fails_the_run_and_a_filter_leaves_it_out() {
        let exit = |filter: &str| format!("{:?}", run(tests(), &[filter.to_owned()]));
        assert_eq!(exit("passes"), format!("{:?}", ExitCode::SUCCESS));
        assert_eq!(exit("fails"), format!("{:?}", ExitCode::FAILURE));
    }

    #[test]
    fn a_run_without_a_test_is_a_failure() {
        assert_eq!(format!("{:?}", run(tests(), &["no such name".into()])), format!("{:?}", ExitCode::FAILURE));
    }
}
