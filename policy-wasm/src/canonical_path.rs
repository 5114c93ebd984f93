//! Paths of requests that can be compared byte by byte.

/// Whether a path has one spelling only: proxies and servers decode `%`, merge `//` and resolve `..`.
///
/// # Errors
/// The error as a message.
pub fn plain_path(path: &str) -> Result<(), &'static str> {
    let fits = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~!$&'()*+,;=:@/".contains(&byte);
    let segments = || path.split('/').skip(1);
    if !path.starts_with('/') {
        Err("it must begin with `/`")
    } else if !path.bytes().all(fits) {
        Err("it must have no `%`, `?`, `#`, `\\` or spaces")
    } else if path.contains("//") || segments().any(|segment| matches!(segment, "." | "..")) {
        Err("it must have no empty, `.` or `..` segments")
    } else {
        Ok(())
    }
}
