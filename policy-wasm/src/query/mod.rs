//! Queries and answers as text, for the command line, policy tests, JavaScript and the playground.
//!
//! ```text
//! JSON or YAML ─read─> Query ─(Bundle, now)─> Request ─pdp─> Decision    ─decision_json────> JSON
//!                                                       └──> Explanation ─explanation_json─> JSON
//! ```
//!
//! Answers are the same, byte for byte, on every target. They depend on the bundle, the query and the given time alone,
//! without clock or files.
//!
//! | module | purpose |
//! |---|---|
//! | `read` | reads queries from JSON or YAML |
//! | `evaluate` | lends a query to the PDP |
//! | `answer` | decisions and explanations as JSON |
//! | `remedies` | the changes that would permit a denied call |
//! | [`principals`] | the subjects and agents that a policy names |
//! | `matrix`, `access` | the access matrix: each cell and its forms |
//! | `overview` | the head of a bundle, and its principals |
//! | `diff`, `settings` | differences between two bundles, in decisions and in settings |
//! | `suite`, `run`, `coverage`, `report` | policy tests |
//! | `text`, `style` | for terminals |

mod access;
mod answer;
mod coverage;
mod diff;
mod diff_text;
mod evaluate;
mod matrix;
mod matrix_html;
mod matrix_text;
mod overview;
pub mod principals;
mod read;
mod remedies;
mod report;
mod run;
mod settings;
mod style;
mod suite;
mod text;

pub use access::{Access, Need, Needs, Outcome};
pub use answer::{decision_json, explanation_json, problem_json, problems_json};
pub use coverage::Coverage;
pub use diff::{DecisionChange, Diff, DiffTarget, Direction, Verdict, diff};
pub use diff_text::{diff_json, diff_text};
pub use evaluate::Unanswerable;
pub use matrix::{Circumstances, MAX_CELLS, Matrix, MatrixItem, MatrixSpec, matrix};
pub use matrix_html::{MAX_PAGE_CELLS, matrix_html};
pub use matrix_text::{matrix_csv, matrix_json, matrix_text};
pub use overview::{callers_json, overview_json};
pub use read::{ActorQuery, ConsentQuery, MAX_QUERY, Query, ServerName, SubjectQuery, Target};
pub use remedies::{Remedy, remedies};
pub use report::{coverage_text, results_json, results_text};
pub use run::{TestResult, run};
pub use settings::Setting;
pub use style::Paint;
pub use suite::{Expect, ExpectedObligation, PolicyTest, Suite};
pub use text::explanation_text;
