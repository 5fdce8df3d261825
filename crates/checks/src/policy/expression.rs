//! One CEL expression, bounded. Comes in: text that anybody may have written. Goes out: a value, or why there is none.
//! Never: a text that the parser or interpreter below could panic on; they are not made for hostile ones.

use super::cost::{Bound, Sizes};
use kube_cel::KubeCelExt;
use kube_cel::cel::common::ast::{CallExpr, EntryExpr, Expr, IdedExpr, LiteralValue, operators};
use kube_cel::cel::extractors::This;
use kube_cel::cel::parser::Parser;
use kube_cel::cel::{Context, ExecutionError, Value};
use std::collections::BTreeSet;

/// Bytes of an expression.
pub const LONGEST: usize = 32 * 1024;

/// Brackets that stand open at once.
const DEEPEST_BRACKETS: usize = 24;

/// Nodes above one another; cel-go's parser recurses no deeper than 250 either.
const DEEPEST: usize = 250;

/// Signs that are no letters, digits or brackets: each is a node, and a chain of them a deep tree.
const MOST_SIGNS: usize = 6_000;
const LONGEST_CHAIN: usize = 200;

/// Dates and long ranges panic below where they overflow; no rule about configuration was seen to need them.
const REFUSED: [&str; 3] = ["duration", "range", "timestamp"];

#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ExpressionError {
    #[error("longer than {LONGEST} bytes")]
    Long,
    #[error("nested too deep")]
    Deep,
    #[error("a text or bracket that does not end, or a sign that CEL does not have")]
    Signs,
    #[error("not understood: {0}")]
    Syntax(String),
    #[error("`{0}` is not understood here")]
    Unsupported(String),
}

/// What an expression asks for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Reads {
    /// Names that no macro binds: `object`, `params`.
    pub roots: BTreeSet<String>,
    /// `x` of `variables.x`.
    pub variables: BTreeSet<String>,
    /// `x` of `request.x`; `*`: all of it.
    pub request: BTreeSet<String>,
    /// Fields and texts.
    pub words: BTreeSet<String>,
    /// It has maps of its own, whose fields have any name.
    pub makes_maps: bool,
}

#[derive(Debug)]
pub struct Expression {
    tree: IdedExpr,
    pub reads: Reads,
}

/// The functions that the API server has. Sources: cel-spec, the CEL reference of Kubernetes.
pub fn functions() -> Context<'static> {
    let mut context = Context::default().with_all();
    let same = |value: Value| -> Result<Value, ExecutionError> { Ok(value) };
    context.add_function("dyn", same);
    // Texts are as long as they have code points; the one below counts bytes.
    let size = |This(value): This<Value>| -> Result<i64, ExecutionError> {
        let size = match &value {
            Value::String(text) => text.chars().count(),
            Value::Bytes(bytes) => bytes.len(),
            Value::List(list) => list.len(),
            Value::Map(map) => map.map.len(),
            _ => return Err(ExecutionError::NoSuchOverload),
        };
        Ok(i64::try_from(size).unwrap_or(i64::MAX))
    };
    context.add_function("size", size);
    context
}

impl Expression {
    pub fn compile(text: &str) -> Result<Self, ExpressionError> {
        let text = checked(text)?;
        let tree = Parser::new()
            .enable_optional_syntax(true)
            .parse(&text)
            .map_err(|error| {
                let first = error.errors.first().map(|one| one.msg.clone());
                ExpressionError::Syntax(first.unwrap_or_default())
            })?;
        let mut reads = Reads::default();
        walk(&tree, &mut Vec::new(), 0, &mut reads)?;
        Ok(Expression { tree, reads })
    }

    /// Runs it. Costs what [`Expression::cost`] says for the longest list that it can see.
    pub fn ask(&self, context: &Context<'_>) -> Result<Value, ExecutionError> {
        Value::resolve(&self.tree, context)
    }

    /// Nodes that are evaluated where lists and maps have so many items at most.
    pub fn cost(&self, sizes: &Sizes) -> u64 {
        // Fields of its own maps have any name.
        let bound = Bound::of(sizes, !self.reads.makes_maps);
        bound.cost(&self.tree)
    }

    /// The same where lists within lists have half as many, as in objects that somebody wrote.
    pub fn likely_cost(&self, items: u64) -> u64 {
        Bound::likely(items).cost(&self.tree)
    }
}

/// Looks at signs only: what passes is short, flat and made of CEL's tokens. Texts are written anew, in the one form that
/// the parser below understands.
fn checked(text: &str) -> Result<String, ExpressionError> {
    if text.len() > LONGEST {
        return Err(ExpressionError::Long);
    }
    let bytes = text.as_bytes();
    let at = |index: usize| bytes.get(index).copied().unwrap_or(0);
    let mut open = Vec::new();
    let (mut signs, mut chain) = (0, 0);
    let mut out = String::with_capacity(text.len());
    let mut index = 0;
    while index < bytes.len() {
        let byte = at(index);
        match byte {
            b'\'' | b'"' => {
                let is_word = |c: char| c.is_ascii_alphanumeric() || c == '_';
                let kept = out.trim_end_matches(is_word).len();
                let prefix = out.split_off(kept).to_ascii_lowercase();
                let is_raw = match &*prefix {
                    "" | "b" => false,
                    "r" | "rb" | "br" => true,
                    _ => return Err(ExpressionError::Signs),
                };
                if prefix.contains('b') {
                    out.push('b');
                }
                index = literal(text, index, is_raw, prefix.contains('b'), &mut out)
                    .ok_or(ExpressionError::Signs)?;
                continue;
            }
            b'(' | b'[' | b'{' => open.push(byte),
            b')' | b']' | b'}' => {
                let pair = match byte {
                    b')' => b'(',
                    b']' => b'[',
                    _ => b'{',
                };
                if open.pop() != Some(pair) {
                    return Err(ExpressionError::Signs);
                }
            }
            b'/' if at(index + 1) == b'/' => {
                while index < bytes.len() && at(index) != b'\n' {
                    index += 1;
                }
                continue;
            }
            b'?' | b':' | b'+' | b'-' | b'*' | b'/' | b'%' | b'!' | b'<' | b'>' | b'=' | b'&'
            | b'|' | b'.' | b',' | b' ' | b'\t' | b'\n' | b'\r' => {}
            b if b.is_ascii_alphanumeric() || b == b'_' => {}
            _ => return Err(ExpressionError::Signs),
        }
        if b"?:+-*/%!<>=.([{".contains(&byte) {
            signs += 1;
            chain += 1;
        }
        // Brackets, commas and logic begin a new chain: they are lists and balanced trees.
        if b",&|)".contains(&byte) {
            chain = 0;
        }
        if open.len() > DEEPEST_BRACKETS || signs > MOST_SIGNS || chain > LONGEST_CHAIN {
            return Err(ExpressionError::Deep);
        }
        // The parser below reads `!!` as one `!`.
        if byte == b'!' && out.trim_end().ends_with('!') {
            out.truncate(out.trim_end().len() - 1);
        } else {
            out.push(char::from(byte));
        }
        index += 1;
    }
    if open.is_empty() {
        Ok(out)
    } else {
        Err(ExpressionError::Signs)
    }
}

/// Writes the text literal that begins with its quote as one in double quotes. Gives the index behind it; `None` where it
/// does not end or has an escape that CEL does not have.
fn literal(
    text: &str,
    start: usize,
    is_raw: bool,
    is_bytes: bool,
    out: &mut String,
) -> Option<usize> {
    let rest = text.get(start..)?;
    let quote = rest.get(..1)?;
    let triple = quote.repeat(3);
    let is_triple = rest.starts_with(&triple);
    let end = if is_triple { &*triple } else { quote };
    let mut inner = rest.get(end.len()..)?;
    out.push('"');
    while !inner.starts_with(end) {
        let mut signs = inner.chars();
        let sign = signs.next()?;
        inner = signs.as_str();
        match sign {
            '\n' | '\r' if !is_triple => return None,
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '"' => out.push_str("\\\""),
            '\\' if is_raw => out.push_str("\\\\"),
            '\\' => {
                let kind = signs.next()?;
                inner = signs.as_str();
                let digits = match kind {
                    'a' | 'b' | 'f' | 'n' | 'r' | 't' | 'v' | '\\' | '?' | '"' | '\'' | '`' => 0,
                    'x' | 'X' => 2,
                    'u' if !is_bytes => 4,
                    'U' if !is_bytes => 8,
                    _ => return None,
                };
                let number = inner.get(..digits)?;
                inner = inner.get(digits..)?;
                if digits > 0 {
                    let is_number = number.bytes().all(|byte| byte.is_ascii_hexdigit());
                    char::from_u32(u32::from_str_radix(number, 16).ok().filter(|_| is_number)?)?;
                }
                // The parser below knows no escape of the other quote.
                if !matches!(kind, '\'' | '?' | '`') {
                    out.push('\\');
                }
                out.push(kind);
                out.push_str(number);
            }
            sign => out.push(sign),
        }
    }
    out.push('"');
    Some(text.len() - inner.get(end.len()..)?.len())
}

fn walk(
    node: &IdedExpr,
    bound: &mut Vec<String>,
    depth: usize,
    reads: &mut Reads,
) -> Result<(), ExpressionError> {
    if depth > DEEPEST {
        return Err(ExpressionError::Deep);
    }
    let depth = depth + 1;
    match &node.expr {
        Expr::Unspecified => return Err(ExpressionError::Unsupported("nothing".to_owned())),
        Expr::Struct(message) => {
            return Err(ExpressionError::Unsupported(message.type_name.clone()));
        }
        Expr::Literal(LiteralValue::String(text)) => {
            reads.words.insert(text.inner().to_owned());
        }
        Expr::Literal(_) => {}
        Expr::Ident(name) => {
            if !bound.contains(name) {
                reads.roots.insert(name.clone());
                match &**name {
                    "request" => drop(reads.request.insert("*".to_owned())),
                    "variables" => drop(reads.variables.insert("*".to_owned())),
                    _ => {}
                }
            }
        }
        Expr::Select(select) => {
            reads.words.insert(select.field.clone());
            return of_field(&select.operand, &select.field, bound, depth, reads);
        }
        Expr::Call(call) => {
            if REFUSED.contains(&&*call.func_name) || grows(call) || overflows(call) {
                return Err(ExpressionError::Unsupported(call.func_name.clone()));
            }
            if let ("_?._" | "_[_]" | "_[?_]", [base, key]) = (&*call.func_name, &*call.args)
                && let Expr::Literal(LiteralValue::String(text)) = &key.expr
            {
                reads.words.insert(text.inner().to_owned());
                return of_field(base, text.inner(), bound, depth, reads);
            }
            for node in call.target.iter().map(|target| &**target).chain(&call.args) {
                walk(node, bound, depth, reads)?;
            }
        }
        Expr::List(list) => {
            for node in &list.elements {
                walk(node, bound, depth, reads)?;
            }
        }
        Expr::Map(map) => {
            reads.makes_maps = true;
            for entry in &map.entries {
                let EntryExpr::MapEntry(entry) = &entry.expr else {
                    return Err(ExpressionError::Unsupported("a message".to_owned()));
                };
                walk(&entry.key, bound, depth, reads)?;
                walk(&entry.value, bound, depth, reads)?;
            }
        }
        Expr::Comprehension(all) => {
            walk(&all.iter_range, bound, depth, reads)?;
            walk(&all.accu_init, bound, depth, reads)?;
            let known = bound.len();
            bound.push(all.accu_var.clone());
            bound.push(all.iter_var.clone());
            bound.extend(all.iter_var2.clone());
            let inner = [&all.loop_cond, &all.loop_step, &all.result];
            let done = inner
                .into_iter()
                .try_for_each(|node| walk(node, bound, depth, reads));
            bound.truncate(known);
            return done;
        }
    }
    Ok(())
}

/// `replace` in a row multiplies a text by its length each time; with a short literal for a literal it does not.
fn grows(call: &CallExpr) -> bool {
    let length = |node: &IdedExpr| match &node.expr {
        Expr::Literal(LiteralValue::String(text)) => Some(text.inner().len()),
        _ => None,
    };
    call.func_name == "replace"
        && !matches!(&*call.args, [from, to, ..] if length(from).is_some_and(|from| from > 0)
            && length(to) <= length(from) && length(to).is_some())
}

/// The lowest number has no negative.
fn overflows(call: &CallExpr) -> bool {
    call.func_name == operators::NEGATE
        && !call.args.iter().all(|node| match &node.expr {
            Expr::Literal(LiteralValue::Int(value)) => *value.inner() != i64::MIN,
            Expr::Literal(_) => true,
            _ => false,
        })
}

fn of_field(
    base: &IdedExpr,
    field: &str,
    bound: &mut Vec<String>,
    depth: usize,
    reads: &mut Reads,
) -> Result<(), ExpressionError> {
    if let Expr::Ident(name) = &base.expr
        && !bound.contains(name)
    {
        reads.roots.insert(name.clone());
        match &**name {
            "request" => drop(reads.request.insert(field.to_owned())),
            "variables" => drop(reads.variables.insert(field.to_owned())),
            _ => {}
        }
        return Ok(());
    }
    walk(base, bound, depth, reads)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn check(text: &str, expected: Result<(), &str>) {
        let said = Expression::compile(text)
            .map(|_| ())
            .map_err(|e| e.to_string());
        match expected {
            Ok(()) => assert_eq!(said, Ok(()), "{text}"),
            Err(part) => {
                let said = said.expect_err(text);
                assert!(said.contains(part), "{text}: {said}");
            }
        }
    }

    #[test]
    fn hostile_texts_are_answered() {
        check("object.spec.?x.orValue(1) == 1", Ok(()));
        for text in [
            r#"'a\u00e9"' == "aé\"""#,
            r"r'\d' == '\\d'",
            r#"'''x'y"''' == 'x\'y"'"#,
            r#"r"a'\" == 'a\'\\'"#,
            r"'a\x41\t' == 'aA\u0009'",
            r"size('é\n') == 2 && 'é'.size() == 1 && size([1]) == 1 && size({}) == 0",
            "!!true && !! true && ! !!false && 1 - -1 == 2 && -(-1) == 1",
        ] {
            run_true(text);
        }
        check(
            &format!("{}1{}", "(".repeat(5000), ")".repeat(5000)),
            Err("deep"),
        );
        check(&"!".repeat(20_000), Err("deep"));
        check(&format!("a{}", ".a".repeat(10_000)), Err("deep"));
        check(&format!("1{}", "+1".repeat(10_000)), Err("deep"));
        check(&"a?b:".repeat(5_000), Err("deep"));
        check(&format!("[{}]", "1,".repeat(20_000)), Err("longer"));
        check("'abc", Err("does not end"));
        check("'\\q'", Err("does not end"));
        check("'\\ud800'", Err("does not end"));
        check("a]", Err("does not end"));
        check("a @ b", Err("does not have"));
        check(
            "lists.range(9223372036854775807)",
            Err("not understood here"),
        );
        check("-(-9223372036854775808)", Err("not understood here"));
        check("-object.a", Err("not understood here"));
        check("Foo{a: 1}", Err("not understood here"));
        check(
            "timestamp('x') > timestamp('y')",
            Err("not understood here"),
        );
        check("99999999999999999999999999", Err("not understood"));
        check("", Err("not understood"));
    }

    fn run_true(text: &str) {
        let expression = Expression::compile(text).unwrap();
        assert_eq!(
            expression.ask(&functions()),
            Ok(Value::Bool(true)),
            "{text}"
        );
    }

    #[test]
    fn what_is_read() {
        let of = |text: &str| Expression::compile(text).unwrap().reads;
        let reads = of("variables.a && request.operation == 'x' && object.all(object, object)");
        assert_eq!(Vec::from_iter(&reads.variables), ["a"]);
        assert_eq!(Vec::from_iter(&reads.request), ["operation"]);
        assert_eq!(
            Vec::from_iter(&reads.roots),
            ["object", "request", "variables"]
        );
        assert_eq!(Vec::from_iter(&of("request").request), ["*"]);
        assert_eq!(
            Vec::from_iter(&of("has(request.userInfo)").request),
            ["userInfo"]
        );
        assert_eq!(
            Vec::from_iter(&of("request['userInfo']").request),
            ["userInfo"]
        );
    }

    fn soup() -> impl Strategy<Value = String> {
        let token = prop_oneof![
            prop::sample::select(vec![
                "object",
                "has(",
                "(",
                ")",
                "[",
                "]",
                "{",
                "}",
                ".",
                ".?",
                "[?",
                ",",
                "?",
                ":",
                "+",
                "-",
                "*",
                "/",
                "%",
                "!",
                "==",
                "<",
                "in ",
                "&&",
                "||",
                "'a'",
                "b'\\x41'",
                "r'\\'",
                "\"",
                "'''",
                "1",
                "0x",
                "0xfu",
                "1e400",
                "1.",
                ".5",
                "-9223372036854775808",
                "9223372036854775807",
                "1u",
                "null",
                "true",
                "map(x,",
                "all(",
                "exists_one(x,",
                "filter(x, y,",
                "size(",
                "matches('(')",
                ".format([",
                "'%s'",
                "'%d'",
                "'%'",
                ".split('')",
                ".substring(",
                ".replace('',",
                "quantity('1k')",
                "ip('::1')",
                "cidr('10.0.0.0/99')",
                "url('a')",
                "semver('1')",
                "lists.range(",
                "math.least(",
                "sets.contains(",
                "base64.decode('=')",
                ".join(",
                ".charAt(",
                ".indexOf(",
                ".lastIndexOf(",
                ".sum()",
                "optional.of(",
                ".orValue(",
                "bytes(",
                "string(",
                "int(",
                "uint(",
                "double(",
                "dyn(",
                "x",
                "_",
                "é",
                "\n",
                "//",
                " ",
            ])
            .prop_map(str::to_owned),
            "[ -~]{0,3}",
        ];
        prop::collection::vec(token, 0..14).prop_map(|tokens| tokens.concat())
    }

    fn calls() -> impl Strategy<Value = String> {
        let leaf = prop::sample::select(vec![
            "object",
            "object.a",
            "object.b",
            "object.c",
            "'é😀'",
            "''",
            "'a/b'",
            "-1",
            "0",
            "1",
            "2u",
            "1.5",
            "[]",
            "[1, 2]",
            "['a']",
            "{'a': 1}",
            "null",
            "true",
            "b'a'",
            "9223372036854775807",
            "-9223372036854775808",
            "optional.none()",
            "quantity('1k')",
            "ip('1.2.3.4')",
            "cidr('10.0.0.0/8')",
            "url('http://a')",
            "semver('1.2.3')",
        ])
        .prop_map(str::to_owned);
        leaf.prop_recursive(3, 12, 3, |inner| {
            let two = (inner.clone(), inner.clone());
            prop_oneof![
                (
                    two.clone(),
                    prop::sample::select(vec![
                        "+", "-", "*", "/", "%", "==", "<", "in", "&&", "||"
                    ])
                )
                    .prop_map(|((a, b), by)| format!("({a} {by} {b})")),
                (
                    two.clone(),
                    prop::sample::select(vec![
                        "substring",
                        "charAt",
                        "indexOf",
                        "lastIndexOf",
                        "split",
                        "join",
                        "format",
                        "replace",
                        "matches",
                        "find",
                        "findAll",
                        "contains",
                        "startsWith",
                        "slice",
                        "flatten",
                        "orValue",
                        "add",
                        "sub",
                        "compareTo",
                        "containsIP",
                        "prefixLength",
                        "isGreaterThan",
                        "range",
                    ])
                )
                    .prop_map(|((a, b), call)| format!("{a}.{call}({b})")),
                (
                    inner.clone(),
                    two.clone(),
                    prop::sample::select(vec!["substring", "replace", "slice", "split", "indexOf"])
                )
                    .prop_map(|(a, (b, c), call)| format!("{a}.{call}({b}, {c})")),
                (
                    inner.clone(),
                    prop::sample::select(vec![
                        "size",
                        "int",
                        "uint",
                        "double",
                        "string",
                        "bytes",
                        "ip",
                        "cidr",
                        "quantity",
                        "url",
                        "semver",
                        "lists.range",
                        "base64.decode",
                        "base64.encode",
                        "math.abs",
                        "math.ceil",
                        "math.least",
                        "math.sign",
                        "math.bitNot",
                        "-",
                        "!",
                        "jsonpatch.escapeKey",
                        "format.named",
                        "sets.contains",
                    ])
                )
                    .prop_map(|(a, call)| format!("{call}({a})")),
                (
                    inner.clone(),
                    prop::sample::select(vec![
                        "sum",
                        "min",
                        "max",
                        "isSorted",
                        "lowerAscii",
                        "reverse",
                        "trim",
                        "size",
                        "first",
                        "last",
                        "distinct",
                        "sort",
                        "getHost",
                        "getPort",
                        "family",
                        "major",
                        "sign",
                        "asInteger",
                        "asApproximateFloat",
                        "value",
                        "hasValue",
                    ])
                )
                    .prop_map(|(a, call)| format!("{a}.{call}()")),
                (
                    two.clone(),
                    prop::sample::select(vec!["all", "exists", "map", "filter", "exists_one"])
                )
                    .prop_map(|((a, b), call)| format!("{a}.{call}(x, {b})")),
                (
                    two.clone(),
                    prop::sample::select(vec![
                        "math.bitShiftLeft",
                        "math.bitShiftRight",
                        "math.greatest",
                        "sets.intersects",
                        "sets.equivalent"
                    ])
                )
                    .prop_map(|((a, b), call)| format!("{call}({a}, {b})")),
                two.prop_map(|(a, b)| format!("{a}[{b}]")),
            ]
        })
    }

    fn run(text: &str) {
        if let Ok(expression) = Expression::compile(text) {
            let mut context = functions();
            let object = serde_json::json!({"a": [1, "x", null], "b": {"c": 1.5}, "c": "é😀/x"});
            context.add_variable("object", object).unwrap();
            let _ = expression.ask(&context);
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(2000))]

        #[test]
        fn any_text_is_answered(text in soup()) {
            run(&text);
        }

        #[test]
        fn any_call_is_answered(text in calls()) {
            run(&text);
        }
    }
}
