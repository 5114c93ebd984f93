//! The `url` crate (the WHATWG standard): a JSON string a line in, its normal forms out.

use std::io::{BufRead as _, Write as _};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut out = std::io::stdout().lock();
    for line in std::io::stdin().lock().lines() {
        let text: String = serde_json::from_str(&line?)?;
        let forms: Vec<String> = url::Url::parse(&text).into_iter().map(String::from).collect();
        writeln!(out, "{}", serde_json::to_string(&forms)?)?;
    }
    Ok(())
}
