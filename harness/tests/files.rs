//! The command line and existing files: each command that writes, on each kind of target.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "tests may stop at the first surprise"
)]

mod common;

use common::{directory, said, toolward};
use std::ffi::{OsStr, OsString};
use std::fs::{self, Permissions};
use std::io::Read as _;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::{FileTypeExt as _, MetadataExt as _, PermissionsExt as _, symlink};
use std::os::unix::net::UnixListener;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

const POLICY: &str = "policy: toolward/v1\nservers: {git: {resource: \"https://tools.acme.test/git\", tools: {a: {tier: read}}}}\n";
const TEST: &str = "policy_tests: toolward/v1\ntests: [{name: t, subject: {id: a, issuer: \"https://id.test\"}, server: git, tool: a, expect: {visibility: deny}}]\n";
/// A user that is not root and owns nothing.
const STRANGER: u32 = 65_534;

/// A directory with a policy, its test, a bundle, a key, and a server's lists.
fn workshop(name: &str) -> PathBuf {
    let at = directory(name);
    fs::write(at.join("p.yaml"), POLICY).unwrap();
    fs::write(at.join("p.test.yaml"), TEST).unwrap();
    fs::write(at.join("tools.json"), r#"{"tools": [{"name": "a", "inputSchema": {"type": "object"}}]}"#)
        .unwrap();
    for arguments in [&["compile", "p.yaml", "-o", "a.bundle"][..], &["keygen", "-o", "k.pem"]] {
        let output = toolward(&at, arguments);
        assert!(output.status.success(), "{}", said(&output.stderr));
    }
    at
}

/// Every command that writes over a file, with its output as the last argument; `fmt` finds its input there.
const WRITERS: [(&str, &[&str]); 4] = [
    ("compile", &["compile", "p.yaml", "-o"]),
    ("sign", &["sign", "a.bundle", "-k", "k.pem", "-o"]),
    ("junit", &["test", "p.yaml", "p.test.yaml", "--junit"]),
    ("fmt", &["fmt"]),
];

fn run(at: &Path, arguments: &[&str], output: impl AsRef<OsStr>) -> Output {
    Command::new(env!("CARGO_BIN_EXE_toolward")).current_dir(at).args(arguments).arg(output).output().unwrap()
}

/// The content of a file before a command writes it: `fmt` must be able to read it.
fn before(writer: &str) -> &'static str {
    if writer == "fmt" {
        "policy:   toolward/v1\nservers: {git: {resource: https://tools.acme.test/git, tools: {}}}\n"
    } else {
        "old"
    }
}

fn names(at: &Path) -> Vec<OsString> {
    let mut names: Vec<_> = fs::read_dir(at).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    names.sort();
    names
}

fn is_root() -> bool {
    fs::metadata("/proc/self").unwrap().uid() == 0
}

fn written(at: &Path, writer: &str, output: &Output) {
    assert!(output.status.success(), "{writer}: {}", said(&output.stderr));
    let text = fs::read(at).unwrap();
    assert!(text != before(writer).as_bytes() && !text.is_empty(), "{writer} wrote nothing");
}

#[test]
fn nothing_that_was_laid_in_the_way_is_written_through() {
    for (writer, arguments) in WRITERS {
        let at = workshop(&format!("files_trap_{writer}"));
        fs::write(at.join("victim"), "precious").unwrap();
        fs::write(at.join("x.yaml"), before(writer)).unwrap();
        for trap in ["x.yaml.new", "x.yaml.tmp", ".x.yaml.tmp", "x.yaml~"] {
            symlink("victim", at.join(trap)).unwrap();
        }
        let there = names(&at);
        written(&at.join("x.yaml"), writer, &run(&at, arguments, "x.yaml"));
        assert_eq!(fs::read_to_string(at.join("victim")).unwrap(), "precious", "{writer}");
        assert!(fs::symlink_metadata(at.join("x.yaml.new")).unwrap().is_symlink(), "{writer}");
        assert_eq!(names(&at), there, "{writer} leaves something behind");
    }
}

#[test]
fn a_link_stays_a_link_and_its_target_is_replaced() {
    for (writer, arguments) in WRITERS {
        let at = workshop(&format!("files_link_{writer}"));
        fs::create_dir(at.join("real")).unwrap();
        fs::write(at.join("real/x.yaml"), before(writer)).unwrap();
        symlink("real/x.yaml", at.join("one.yaml")).unwrap();
        symlink(at.join("one.yaml"), at.join("two.yaml")).unwrap();
        written(&at.join("real/x.yaml"), writer, &run(&at, arguments, "two.yaml"));
        for link in ["one.yaml", "two.yaml"] {
            assert!(fs::symlink_metadata(at.join(link)).unwrap().is_symlink(), "{writer}: {link}");
        }
        assert!(fs::symlink_metadata(at.join("real/x.yaml")).unwrap().is_file());
        assert_eq!(names(&at.join("real")), ["x.yaml"], "{writer}");
        symlink("round", at.join("round")).unwrap();
        let output = run(&at, arguments, "round");
        assert!(!output.status.success(), "{writer}: a link to itself");
    }
}

#[test]
fn a_link_to_nothing_leads_to_a_new_file() {
    let at = workshop("files_link_to_nothing");
    symlink("later/x.bundle", at.join("x.bundle")).unwrap();
    assert!(!run(&at, &["compile", "p.yaml", "-o"], "x.bundle").status.success(), "no such folder");
    fs::create_dir(at.join("later")).unwrap();
    let output = run(&at, &["compile", "p.yaml", "-o"], "x.bundle");
    assert!(output.status.success(), "{}", said(&output.stderr));
    assert!(fs::symlink_metadata(at.join("later/x.bundle")).unwrap().is_file());
    assert!(fs::symlink_metadata(at.join("x.bundle")).unwrap().is_symlink());
}

#[test]
fn the_mode_and_the_owner_are_kept() {
    for (writer, arguments) in WRITERS {
        for mode in [0o600, 0o640, 0o664, 0o755] {
            let at = workshop(&format!("files_mode_{writer}"));
            let path = at.join("x.yaml");
            fs::write(&path, before(writer)).unwrap();
            fs::set_permissions(&path, Permissions::from_mode(mode)).unwrap();
            if is_root() {
                std::os::unix::fs::chown(&path, Some(STRANGER), Some(STRANGER)).unwrap();
            }
            let was = fs::metadata(&path).unwrap();
            written(&path, writer, &run(&at, arguments, "x.yaml"));
            let is = fs::metadata(&path).unwrap();
            assert_eq!(is.mode() & 0o7777, mode, "{writer}");
            assert_eq!((is.uid(), is.gid()), (was.uid(), was.gid()), "{writer}");
        }
    }
}

#[test]
fn a_new_file_has_the_mode_that_others_have() {
    let at = workshop("files_new_mode");
    let output = run(&at, &["compile", "p.yaml", "-o"], "new.bundle");
    assert!(output.status.success(), "{}", said(&output.stderr));
    fs::write(at.join("other"), "").unwrap();
    let mode = |name: &str| fs::metadata(at.join(name)).unwrap().mode() & 0o7777;
    assert_eq!(mode("new.bundle"), mode("other"));
}

/// Root may write to everything, so only the mode bits count.
#[test]
fn a_file_that_is_for_reading_only_stays_as_it_is() {
    for (writer, arguments) in WRITERS {
        let at = workshop(&format!("files_read_only_{writer}"));
        let path = at.join("x.yaml");
        fs::write(&path, before(writer)).unwrap();
        fs::set_permissions(&path, Permissions::from_mode(0o444)).unwrap();
        let there = names(&at);
        let output = run(&at, arguments, "x.yaml");
        assert!(!output.status.success(), "{writer}");
        let told = said(&output.stderr);
        assert!(told.contains("x.yaml") && told.contains("read-only"), "{writer}: {told}");
        assert_eq!(fs::read_to_string(&path).unwrap(), before(writer));
        assert_eq!(names(&at), there, "{writer} leaves something behind");
    }
}

/// Permission to write to a folder does not give ownership of the files of others.
#[test]
fn a_file_that_somebody_else_may_not_write_stays_as_it_is() {
    if !is_root() {
        eprintln!("not root: nobody else can be tried here");
        return;
    }
    // Outside of the source tree, whose folders are not everybody's.
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path();
    fs::set_permissions(at, Permissions::from_mode(0o777)).unwrap();
    // By another process: a file that this one had open for writing could not be run while other tests start programs.
    let copied =
        Command::new("cp").arg(env!("CARGO_BIN_EXE_toolward")).arg(at.join("toolward")).status().unwrap();
    assert!(copied.success());
    fs::write(at.join("p.yaml"), POLICY).unwrap();
    fs::write(at.join("x.bundle"), "old").unwrap();
    fs::set_permissions(at.join("x.bundle"), Permissions::from_mode(0o644)).unwrap();
    let compile = |output: &str| {
        let mut command = Command::new(at.join("toolward"));
        command
            .current_dir(at)
            .args(["compile", "p.yaml", "-o", output])
            .uid(STRANGER)
            .gid(STRANGER)
            .output()
            .unwrap()
    };
    let there = names(at);
    let output = compile("x.bundle");
    assert!(
        !output.status.success() && said(&output.stderr).contains("x.bundle"),
        "{}",
        said(&output.stderr)
    );
    assert_eq!(fs::read_to_string(at.join("x.bundle")).unwrap(), "old");
    assert_eq!(names(at), there);
    let output = compile("y.bundle");
    assert!(output.status.success(), "{}", said(&output.stderr));
    assert_eq!(fs::metadata(at.join("y.bundle")).unwrap().uid(), STRANGER);
}

#[test]
fn a_pipe_receives_the_output_and_stays_a_pipe() {
    for (writer, arguments) in &WRITERS[..3] {
        let at = workshop(&format!("files_pipe_{writer}"));
        assert!(Command::new("mkfifo").arg(at.join("pipe")).status().unwrap().success());
        let child = Command::new(env!("CARGO_BIN_EXE_toolward"))
            .current_dir(&at)
            .args(*arguments)
            .arg("pipe")
            .stderr(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let read = std::thread::spawn({
            let path = at.join("pipe");
            move || {
                let mut read = Vec::new();
                fs::File::open(path).unwrap().read_to_end(&mut read).unwrap();
                read
            }
        });
        let output = child.wait_with_output().unwrap();
        if fs::symlink_metadata(at.join("pipe")).unwrap().file_type().is_fifo() {
            assert!(output.status.success(), "{}", said(&output.stderr));
            assert!(!read.join().unwrap().is_empty(), "{writer}");
        } else {
            panic!("{writer} replaced the pipe");
        }
    }
}

#[test]
fn a_device_stays_a_device() {
    let at = workshop("files_device");
    // Never the machine's own: root could lose it.
    let made = Command::new("mknod").arg(at.join("null")).args(["c", "1", "3"]).output().unwrap();
    let device = if made.status.success() { at.join("null") } else { PathBuf::from("/dev/null") };
    for (writer, arguments) in &WRITERS[..3] {
        let output = run(&at, arguments, &device);
        assert!(output.status.success(), "{writer}: {}", said(&output.stderr));
        assert!(fs::metadata(&device).unwrap().file_type().is_char_device(), "{writer}");
    }
}

#[test]
fn a_socket_receives_the_output_and_stays_a_socket() {
    // The name of a socket must be short.
    let folder = tempfile::tempdir().unwrap();
    let socket = folder.path().join("s");
    let listener = UnixListener::bind(&socket).unwrap();
    let at = workshop("files_socket");
    let read = std::thread::spawn(move || {
        let mut read = Vec::new();
        listener.accept().unwrap().0.read_to_end(&mut read).unwrap();
        read
    });
    let output = run(&at, &["compile", "p.yaml", "-o"], &socket);
    assert!(output.status.success(), "{}", said(&output.stderr));
    assert!(fs::symlink_metadata(&socket).unwrap().file_type().is_socket());
    assert_eq!(read.join().unwrap(), fs::read(at.join("a.bundle")).unwrap());
}

#[test]
fn standard_output_is_written_to_by_its_file_name() {
    let at = workshop("files_stdout");
    let bundle = fs::read(at.join("a.bundle")).unwrap();
    for name in ["/dev/stdout", "/dev/fd/1", "/proc/self/fd/1"] {
        let output = run(&at, &["compile", "p.yaml", "-o"], name);
        assert!(output.status.success(), "{name}: {}", said(&output.stderr));
        assert_eq!(output.stdout, bundle, "{name}");
        // A file behind it is the same file afterwards, and keeps its content.
        let script = format!("{{ echo one; \"$0\" compile p.yaml -o {name}; echo two; }} > all");
        let toolward = env!("CARGO_BIN_EXE_toolward");
        let output = Command::new("sh").current_dir(&at).args(["-c", &script, toolward]).output().unwrap();
        assert!(output.status.success(), "{name}: {}", said(&output.stderr));
        assert_eq!(fs::read(at.join("all")).unwrap(), [&b"one\n"[..], &bundle, b"two\n"].concat(), "{name}");
    }
    assert!(fs::symlink_metadata("/dev/stdout").unwrap().is_symlink());
}

#[test]
fn a_file_name_that_is_not_utf_8_is_used_unchanged() {
    for (writer, arguments) in WRITERS {
        let at = workshop(&format!("files_name_{writer}"));
        let name = OsStr::from_bytes(b"x\xff.yaml");
        fs::write(at.join(name), before(writer)).unwrap();
        let there = names(&at);
        written(&at.join(name), writer, &run(&at, arguments, name));
        assert_eq!(names(&at), there, "{writer}");
    }
    let at = workshop("files_name_of_folder");
    fs::create_dir(at.join("policy")).unwrap();
    fs::write(at.join("policy").join(OsStr::from_bytes(b"\xfe.yaml")), before("fmt")).unwrap();
    let output = run(&at, &["fmt"], "policy");
    assert!(output.status.success(), "{}", said(&output.stderr));
    assert_eq!(names(&at.join("policy")), [OsStr::from_bytes(b"\xfe.yaml")]);
}

#[test]
fn nothing_is_left_behind_where_it_fails() {
    for (writer, arguments) in WRITERS {
        let at = workshop(&format!("files_fails_{writer}"));
        fs::create_dir(at.join("folder")).unwrap();
        let there = names(&at);
        for target in ["folder", "missing/x.yaml", "p.yaml/x.yaml"] {
            let output = run(&at, arguments, target);
            assert!(!output.status.success(), "{writer}: {target}");
            assert!(said(&output.stderr).contains(target), "{writer}: {}", said(&output.stderr));
        }
        assert_eq!(names(&at), there, "{writer}");
        assert!(names(&at.join("folder")).is_empty(), "{writer}");
    }
}

#[test]
fn signing_in_place_keeps_the_link_to_a_bundle() {
    let at = workshop("files_sign_in_place");
    symlink("a.bundle", at.join("current.bundle")).unwrap();
    let before = fs::read(at.join("a.bundle")).unwrap();
    let output = toolward(&at, &["sign", "current.bundle", "-k", "k.pem"]);
    assert!(output.status.success(), "{}", said(&output.stderr));
    assert!(fs::symlink_metadata(at.join("current.bundle")).unwrap().is_symlink());
    assert!(fs::read(at.join("a.bundle")).unwrap().len() > before.len());
}

#[test]
fn a_new_file_never_replaces_another_and_never_follows_a_link() {
    let at = workshop("files_new");
    for (arguments, code) in [
        (&["keygen", "-o"][..], 1),
        (&["import", "--from", "tools.json", "--name", "c", "-o"], 2),
        (&["token", "keygen", "-o"], 1),
    ] {
        symlink("elsewhere", at.join("link")).unwrap();
        fs::write(at.join("file"), "old").unwrap();
        for target in ["link", "file"] {
            assert_eq!(run(&at, arguments, target).status.code(), Some(code), "{arguments:?} {target}");
        }
        assert!(!at.join("elsewhere").exists(), "{arguments:?}");
        assert_eq!(fs::read_to_string(at.join("file")).unwrap(), "old", "{arguments:?}");
        fs::remove_file(at.join("link")).unwrap();
    }
}

/// From their first byte on, with every umask of the caller.
#[test]
fn private_keys_are_private() {
    let at = workshop("files_keys");
    for mask in ["000", "077", "0277"] {
        let script = format!("umask {mask}; \"$0\" keygen -o {mask}.pem; \"$0\" token keygen -o {mask}.set");
        let toolward = env!("CARGO_BIN_EXE_toolward");
        let output = Command::new("sh").current_dir(&at).args(["-c", &script, toolward]).output().unwrap();
        assert!(output.status.success(), "{mask}: {}", said(&output.stderr));
        let mode = |path: &Path| fs::metadata(path).unwrap().mode() & 0o7777;
        assert_eq!(mode(&at.join(format!("{mask}.pem"))), 0o600, "{mask}");
        let set = at.join(format!("{mask}.set"));
        assert_eq!((mode(&set), names(&set).len()), (0o700, 3), "{mask}");
        for name in names(&set) {
            assert_eq!(mode(&set.join(name)), 0o600, "{mask}");
        }
    }
}

#[test]
fn an_input_without_an_end_is_refused() {
    let at = workshop("files_endless");
    for arguments in [&["check"][..], &["fmt", "--check"], &["inspect"], &["diff", "p.yaml"]] {
        let output = run(&at, arguments, "/dev/zero");
        assert!(!output.status.success(), "{arguments:?}");
        assert!(said(&output.stderr).contains("/dev/zero"), "{arguments:?}: {}", said(&output.stderr));
    }
}
