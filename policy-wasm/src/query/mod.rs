//! Questions and answers as text: what the command line, policy tests, JavaScript and the playground share.
//!
//! ```text
//! JSON or YAML ─read─> Query ─(Bundle, now)─> Request ─pdp─> Decision    ─decision_json────> JSON
//!                                                       └──> Explanation ─explanation_json─> JSON
//! ```
//!
//! What comes out is the same, byte for byte, wherever it is asked: it depends on the bundle, the query and the time
//! that is given, and nothing else. No clock, no files.
//!
//! | module | purpose |
//! |---|---|
//! | `read` | the query as people write it |
//! | `ask` | putting it to a bundle |
//! | `answer` | decisions and explanations as JSON |
//! | `change` | what would have to be different for a permit |
//! | `json` | a writer of JSON |

mod answer;
mod ask;
mod change;
mod json;
mod read;

pub use answer::{decision_json, explanation_json, problems_json};
pub use ask::Unanswerable;
pub use change::{Change, changes};
pub use read::{ActorQuery, ConsentQuery, Query, ServerName, SubjectQuery, Target};
