//! Reading and writing of files, with messages that name them.
//!
//! A file is replaced in one step: a new file beside it is filled, synced and renamed. Its name cannot be guessed and must
//! not exist yet. Links are followed first, so that they stay links. A target that is not a file (a pipe, a device, a
//! socket, standard output by its name) is written to.

use anyhow::{Context as _, bail};
use policy_wasm::bundle::{BundleError, Unverified};
use std::fs::{self, File, Metadata, OpenOptions, Permissions};
use std::io::{self, Read as _, Write};
use std::os::unix::fs::{FileTypeExt as _, MetadataExt as _, PermissionsExt as _};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use tempfile::NamedTempFile;

/// Most bytes of a bundle: its header counts them in 32 bits, and some signatures follow.
const MAX_BUNDLE: u64 = u32::MAX as u64 + 4096;

/// Most links that lead from one name to a file, as on Linux.
const MAX_LINKS: usize = 40;

/// The bits of a mode that say who may read, write and execute: those that a new file takes over.
const MODE: u32 = 0o777;

/// Writes `bytes` to the target of `path`. A file is replaced in one step, so that no reader sees half of it. It keeps its
/// mode and, if the system allows it, its owner.
///
/// # Errors
/// If the file is read-only, or something else cannot be done; then the file is as it was.
pub(super) fn replace(path: &Path, bytes: &[u8]) -> anyhow::Result<()> {
    write(path, bytes).with_context(|| format!("cannot write `{}`", path.display()))
}

/// Writes a file that does not exist yet. It has `mode` from its first byte on; without `mode`, that of new files.
///
/// # Errors
/// If there is something already, a link to nothing included.
pub(super) fn create(path: &Path, bytes: &[u8], mode: Option<u32>) -> anyhow::Result<()> {
    let new = || -> anyhow::Result<()> {
        let folder = folder(path);
        let file = filled(folder, bytes, Some(mode.unwrap_or(0o666)))?;
        if let Some(mode) = mode {
            // The caller's umask may have cleared bits.
            file.as_file().set_permissions(Permissions::from_mode(mode))?;
        }
        file.as_file().sync_all()?;
        file.persist_noclobber(path).map_err(|error| error.error)?;
        sync_folder(folder)
    };
    new().with_context(|| format!("cannot make `{}`", path.display()))
}

/// Whether this names something other than a file, which is written to and never replaced.
pub(super) fn is_special(path: &Path) -> bool {
    descriptor(path).is_some() || fs::metadata(path).is_ok_and(|found| !found.is_file() && !found.is_dir())
}

fn write(path: &Path, bytes: &[u8]) -> anyhow::Result<()> {
    match descriptor(path) {
        Some(1) => return pour(&mut io::stdout().lock(), bytes),
        Some(2) => return pour(&mut io::stderr().lock(), bytes),
        // The existing content of a file behind it stays.
        Some(_) => return pour(&mut OpenOptions::new().append(true).open(path)?, bytes),
        None => {}
    }
    let target = followed(path)?;
    let old = match fs::symlink_metadata(&target) {
        Ok(old) => Some(old),
        Err(error) if error.kind() == io::ErrorKind::NotFound => None,
        Err(error) => return Err(error.into()),
    };
    match &old {
        Some(old) if old.is_dir() => bail!("it is a folder"),
        Some(old) if old.file_type().is_socket() => pour(&mut UnixStream::connect(&target)?, bytes),
        Some(old) if !old.is_file() => pour(&mut OpenOptions::new().write(true).open(&target)?, bytes),
        Some(old) if old.permissions().readonly() => bail!("it is read-only"),
        Some(old) => {
            // A folder that the caller may write to does not make its files the caller's.
            drop(OpenOptions::new().write(true).open(&target)?);
            over(&target, bytes, Some(old))
        }
        None => over(&target, bytes, None),
    }
}

fn pour(out: &mut dyn Write, bytes: &[u8]) -> anyhow::Result<()> {
    out.write_all(bytes)?;
    Ok(out.flush()?)
}

/// Replaces `target`, which is not a link, by a new file.
fn over(target: &Path, bytes: &[u8], old: Option<&Metadata>) -> anyhow::Result<()> {
    let folder = folder(target);
    // The replacement of a protected file is never readable by more people.
    let file = filled(folder, bytes, old.is_none().then_some(0o666))?;
    if let Some(old) = old {
        let mode = owned(file.as_file(), old);
        file.as_file().set_permissions(Permissions::from_mode(mode))?;
    }
    file.as_file().sync_all()?;
    file.persist(target).map_err(|error| error.error)?;
    sync_folder(folder)
}

/// Gives a new file the owner of the old one. Returns the mode that it must get then.
fn owned(file: &File, old: &Metadata) -> u32 {
    let mode = old.mode() & MODE;
    let same = file.metadata().is_ok_and(|new| (new.uid(), new.gid()) == (old.uid(), old.gid()));
    let give = |owner| std::os::unix::fs::fchown(file, owner, Some(old.gid()));
    if same || give(Some(old.uid())).is_ok() || give(None).is_ok() {
        return mode;
    }
    // Another group gets no more than everybody has.
    (mode & !0o070) | ((mode & 0o007) << 3)
}

/// A file in `folder` under a name of its own, removed again unless it is renamed. `mode` is cut by the caller's mask;
/// without, only the caller can open the file.
fn filled(folder: &Path, bytes: &[u8], mode: Option<u32>) -> anyhow::Result<NamedTempFile> {
    let mut builder = tempfile::Builder::new();
    builder.prefix(".toolward-").suffix(".tmp").rand_bytes(16);
    if let Some(mode) = mode {
        builder.permissions(Permissions::from_mode(mode));
    }
    let mut file = builder.tempfile_in(folder)?;
    file.write_all(bytes)?;
    Ok(file)
}

/// The folder of a file; that which the command runs in for a bare name.
fn folder(path: &Path) -> &Path {
    path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

/// A rename is lasting once the folder is. Some file systems cannot sync one, and then need not.
fn sync_folder(folder: &Path) -> anyhow::Result<()> {
    match File::open(folder).and_then(|folder| folder.sync_all()) {
        Err(error)
            if !matches!(error.kind(), io::ErrorKind::InvalidInput | io::ErrorKind::PermissionDenied) =>
        {
            Err(error.into())
        }
        _ => Ok(()),
    }
}

/// Where links lead to in the end, which need not exist.
fn followed(path: &Path) -> anyhow::Result<PathBuf> {
    let mut target = path.to_owned();
    for _ in 0..MAX_LINKS {
        match fs::read_link(&target) {
            // A path that does not begin at the root begins where the link is.
            Ok(next) => target = folder(&target).join(next),
            // No link, or nothing.
            Err(_) => return Ok(target),
        }
    }
    bail!("more than {MAX_LINKS} links lead on from it")
}

/// The number of the caller's own open file that a path stands for, such as `/dev/stdout`.
fn descriptor(path: &Path) -> Option<u32> {
    let mut target = path.to_owned();
    for _ in 0..MAX_LINKS {
        let folder = fs::canonicalize(folder(&target)).ok()?;
        let own = Path::new("/proc").join(std::process::id().to_string());
        let is_of_process = folder.starts_with(&own) && folder.ends_with("fd");
        if is_of_process || folder == Path::new("/dev/fd") {
            return target.file_name()?.to_str()?.parse().ok();
        }
        target = folder.join(fs::read_link(&target).ok()?);
    }
    None
}

/// At most `most` bytes of a file, which need not have an end.
///
/// # Errors
/// If it cannot be read, or is longer.
pub(super) fn read(path: &Path, most: u64) -> anyhow::Result<Vec<u8>> {
    let place = || format!("cannot read `{}`", path.display());
    let mut bytes = Vec::new();
    let file = File::open(path).with_context(place)?;
    let length = file.metadata().with_context(place)?.len();
    // One byte more than the limit distinguishes too long from just fitting.
    if length <= most {
        file.take(most.saturating_add(1)).read_to_end(&mut bytes).with_context(place)?;
    }
    let length = length.max(bytes.len() as u64);
    if length > most {
        bail!("`{}` is {length} bytes long or longer, expected at most {most}", path.display());
    }
    Ok(bytes)
}

/// The bytes of a bundle, which need not be one.
pub(super) fn read_bundle(path: &Path) -> anyhow::Result<Vec<u8>> {
    let is_file = fs::metadata(path).is_ok_and(|found| found.is_file());
    // An endless source would fill the memory before it reached the size limit of a bundle.
    read(path, if is_file { MAX_BUNDLE } else { MAX_BUNDLE / 64 })
}

/// A bundle whose header and bounds fit.
pub(super) fn open_bundle(path: &Path) -> anyhow::Result<Unverified> {
    let place = |error: BundleError| anyhow::Error::new(error).context(format!("`{}`", path.display()));
    Unverified::open(read_bundle(path)?).map_err(place)
}
