//! Header fields and tokens.

use super::*;

#[test]
fn reading_a_head_costs_the_same_for_each_byte() {
    let mut bench = Bench::new("head", "asking.yaml", &wide(), &call("free", json!({})));
    let names =
        ["x-#", "mcp-#", "mcp_#", "mcp-param-#", "mcp-param-a_#", "x_toolward-#", "content-type-#", "accept"];
    let families: Vec<Family> = names.iter().map(|name| Family::numbered(("", ""), name, "\n")).collect();
    Reader::new("header fields", 500, 64 * 1024).hold(&families, &mut |text| {
        bench.head(text.lines().map(|name| (name.to_owned(), b"1".to_vec())).collect())
    });
    let names: [Frame; 5] = [
        ("x-a\n", ""),
        ("mcp-name\n", ""),
        ("mcp-param-a\n", ""),
        ("origin\n", ""),
        (":path\n/mcp/github?", ""),
    ];
    Reader::new("values of header fields", 60, 64 * 1024).hold(&everywhere(&names), &mut |text| {
        let (name, value) = text.split_once('\n').unwrap();
        bench.head(vec![(name.to_owned(), value.as_bytes().to_vec())])
    });
}

#[test]
fn reading_a_token_costs_the_same_for_each_byte() {
    let mut bench = Bench::new("token", "asking.yaml", &wide(), &call("free", json!({})));
    let fixtures = Fixtures::new(&folder()).unwrap();
    let scenario = &bench.corpus.scenario;
    let claims: Value = json!({
        "iss": "https://id.acme.test", "sub": "u-alice", "aud": "https://tools.acme.test/mcp/github",
        "act": {"sub": "agent:planner"}, "iat": scenario.now - 60, "exp": scenario.now + 300
    });
    let claims = claims.to_string();
    // A claim in front of those that a token must have.
    let whole = |member: &str| format!("{{{member},{}", &claims[1..]);
    let frames: [Frame; 4] =
        [("\"groups\":[\"", "\"]"), ("\"", "\":1"), ("\"scope\":\"", "\""), ("\"act\":{\"sub\":\"", "\"}")];
    let mut families = everywhere(&frames);
    families.extend(members(("\"x\":{", "}"), ("\"groups\":[", "]")));
    families.push(Family::numbered(("\"aud\":[", "]"), "\"#\"", ","));
    families.push(Family::numbered(("\"scope\":\"", "\""), "#", " "));
    // The host checks signatures: 2 KB and 8 KB of claims fit into a token.
    let reader = Reader { name: "tokens", bound: 400, small: 2 * 1024, most: 10 * 1024 };
    reader.hold(&families, &mut |text| {
        let claims = serde_json::from_str(&whole(text)).unwrap_or_default();
        let header = json!({"typ": "at+jwt"});
        let token = fixtures.mint("acme-es256", header.as_object().unwrap(), &claims, None).unwrap();
        bench.request.headers.retain(|(name, _)| name != "authorization");
        bench.request.headers.push(("authorization".to_owned(), format!("Bearer {token}").into_bytes()));
        bench.head(Vec::new())
    });
    let bearer: [Frame; 3] = [("Bearer ", ""), ("Bearer e30.", ".e30"), ("", " x")];
    let reader = Reader { name: "credentials", bound: 400, small: 2 * 1024, most: 16 * 1024 };
    reader.hold(&everywhere(&bearer), &mut |text| {
        bench.request.headers.retain(|(name, _)| name != "authorization");
        bench.request.headers.push(("authorization".to_owned(), text.as_bytes().to_vec()));
        bench.head(Vec::new())
    });
}
