//! Other tools, for the tests that compare with them.

use std::io::Write;
use std::process::{Command, Stdio};
use std::thread;

/// What `command` prints when it is given `input`; `None` with the reason where it is not
/// installed. With `FASTLAYER_REQUIRE_PEERS=1`, as CI sets it, that is a failure.
pub(crate) fn output(command: &mut Command, input: &[u8]) -> Option<Vec<u8>> {
    let program = command.get_program().display().to_string();
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = match command.spawn() {
        Ok(child) => child,
        Err(error) => {
            let required = std::env::var_os("FASTLAYER_REQUIRE_PEERS").is_some_and(|is| is == "1");
            assert!(!required, "FASTLAYER_REQUIRE_PEERS=1, but cannot run `{program}`: {error}");
            eprintln!("skipped: cannot run `{program}`: {error}");
            return None;
        }
    };
    let mut stdin = child.stdin.take().unwrap();
    let output = thread::scope(|scope| {
        // A program that needs no input may end before it is written.
        scope.spawn(move || drop(stdin.write_all(input)));
        child.wait_with_output().unwrap()
    });
    assert!(output.status.success(), "{program}: {}", String::from_utf8_lossy(&output.stderr));
    Some(output.stdout)
}
