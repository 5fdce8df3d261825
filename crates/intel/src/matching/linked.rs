//! Whether a program can run what is vulnerable. Comes in: vulnerable Go packages and functions, the functions that a
//! program links. Goes out: a reason why not, or none. Never: takes a missing table, an unknown name or a command's
//! own package for "not linked".

use crate::feeds::Import;
use model::inventory::Linked;
use model::text::Text;

/// Why none of `imports` can run in the program; `None`: one is linked, or it is not known. `linux`: the program is for
/// Linux.
pub(crate) fn unreachable(
    imports: &[Import],
    linked: Option<&Linked>,
    linux: bool,
) -> Option<String> {
    if imports.is_empty() {
        return None;
    }
    let here: Vec<&Import> = imports
        .iter()
        .filter(|import| {
            !linux
                || import.systems.is_empty()
                || import.systems.iter().any(|system| system == "linux")
        })
        .collect();
    if here.is_empty() {
        let systems: Vec<&str> = imports
            .iter()
            .flat_map(|import| &import.systems)
            .map(String::as_str)
            .collect();
        return Some(format!(
            "not reachable: only programs for {} are affected",
            once(systems).join(", ")
        ));
    }
    let linked = linked?;
    // An empty table is a garbled one: every Go program links its runtime.
    let functions = linked
        .functions
        .as_deref()
        .filter(|functions| !functions.is_empty())?;
    let sorted = functions.is_sorted();
    if here
        .iter()
        .any(|import| links(import, functions, sorted, &linked.path))
    {
        return None;
    }
    let names: Vec<String> = here
        .iter()
        .flat_map(|import| {
            let whole = import.symbols.is_empty().then(|| import.path.clone());
            let one = |symbol: &String| format!("{}.{symbol}", import.path);
            whole.into_iter().chain(import.symbols.iter().map(one))
        })
        .collect();
    let (first, rest) = names.split_first()?;
    Some(match rest.len() {
        0 => format!("not reachable: {} does not link {first}", linked.path),
        more => format!(
            "not reachable: {} links neither {first} nor any of {more} other affected functions",
            linked.path
        ),
    })
}

fn once(mut words: Vec<&str>) -> Vec<&str> {
    words.sort_unstable();
    words.dedup();
    words
}

fn links(import: &Import, functions: &[Text], sorted: bool, program: &str) -> bool {
    let mut paths = vec![import.path.clone()];
    // The linker escapes dots of the last element (cmd/internal/objabi, PathToPrefix).
    if let Some((rest, last)) = import.path.rsplit_once('/')
        && last.contains('.')
    {
        paths.push(format!("{rest}/{}", last.replace('.', "%2e")));
    }
    // A command's own package is linked as `main`, whatever its path.
    let last = import.path.rsplit('/').next().unwrap_or("");
    let command = import.path.contains("/cmd/") || program.rsplit('/').next() == Some(last);
    if !import.symbols.is_empty() || command {
        paths.push("main".to_owned());
    }
    if import.symbols.is_empty() && command {
        return true;
    }
    paths.iter().any(|path| {
        let prefix = format!("{path}.");
        within(functions, sorted, &prefix).any(|function| {
            let name = normal(function.get(prefix.len()..).unwrap_or(""));
            import.symbols.is_empty()
                || import
                    .symbols
                    .iter()
                    .any(|symbol| is_init(symbol) || is(&name, symbol))
        })
    })
}

/// The functions of a package.
fn within<'f>(
    functions: &'f [Text],
    sorted: bool,
    prefix: &'f str,
) -> impl Iterator<Item = &'f Text> {
    let from = if sorted {
        functions.partition_point(|function| &**function < prefix)
    } else {
        0
    };
    functions
        .get(from..)
        .unwrap_or(&[])
        .iter()
        .take_while(move |function| !sorted || function.starts_with(prefix))
        .filter(move |function| function.starts_with(prefix))
}

/// `Server.ServeConn` of `(*Server).ServeConn`, `Map.Get` of `(*Map[...]).Get`.
fn normal(name: &str) -> String {
    let mut out = String::with_capacity(name.len());
    let mut depth = 0usize;
    for c in name.chars() {
        match c {
            '[' => depth += 1,
            ']' => depth = depth.saturating_sub(1),
            '(' | ')' | '*' => {}
            c if depth == 0 => out.push(c),
            _ => {}
        }
    }
    out
}

/// `init`, `init#1`: runs in every program that links anything of the package.
fn is_init(symbol: &str) -> bool {
    symbol == "init" || symbol.starts_with("init#")
}

/// The function, a closure in it, or its method value.
fn is(name: &str, symbol: &str) -> bool {
    name.strip_prefix(symbol)
        .is_some_and(|rest| rest.is_empty() || rest.starts_with(['.', '-']))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn import(path: &str, symbols: &[&str], systems: &[&str]) -> Import {
        let own = |texts: &[&str]| texts.iter().map(|text| (*text).to_owned()).collect();
        Import {
            path: path.to_owned(),
            symbols: own(symbols),
            systems: own(systems),
        }
    }

    #[test]
    fn what_is_linked() {
        let functions = [
            "golang.org/x/net/http2.(*Server).ServeConn",
            "golang.org/x/net/http2.(*pipe).Read.func1",
            "gopkg.in/yaml%2ev3.Unmarshal",
            "main.main",
            "net/http.(*cache[...]).Get",
            "runtime.main",
        ];
        let check = |import: Import, linked: bool| {
            for reverse in [false, true] {
                let mut functions: Vec<Text> =
                    functions.iter().map(|name| Text::from(*name)).collect();
                if reverse {
                    functions.reverse();
                }
                let program = Linked {
                    path: "usr/bin/app".into(),
                    functions: Some(functions),
                };
                let found = unreachable(std::slice::from_ref(&import), Some(&program), true);
                assert_eq!(found.is_none(), linked, "{import:?}: {found:?}");
            }
        };
        check(
            import("golang.org/x/net/http2", &["Server.ServeConn"], &[]),
            true,
        );
        check(import("golang.org/x/net/http2", &["pipe.Read"], &[]), true);
        check(
            import("golang.org/x/net/http2", &["Server.Serve"], &[]),
            false,
        );
        check(
            import("golang.org/x/net/http2", &["Transport.RoundTrip"], &[]),
            false,
        );
        check(import("golang.org/x/net/http2", &[], &[]), true);
        check(import("golang.org/x/net/html", &[], &[]), false);
        check(import("golang.org/x/net/http2", &[], &["windows"]), false);
        check(
            import("golang.org/x/net/http2", &[], &["windows", "linux"]),
            true,
        );
        check(import("gopkg.in/yaml.v3", &["Unmarshal"], &[]), true);
        check(import("gopkg.in/yaml.v3", &["init#1"], &[]), true);
        check(import("net/http", &["cache.Get"], &[]), true);
        check(import("example.org/x/app", &["main"], &[]), true);
        check(import("example.org/x/cmd/y", &[], &[]), true);
    }

    #[test]
    fn what_is_not_known_counts() {
        let vulnerable = [import("golang.org/x/net/html", &["Parse"], &[])];
        let program = |functions: Option<Vec<Text>>| Linked {
            path: "app".into(),
            functions,
        };
        assert_eq!(unreachable(&vulnerable, None, true), None);
        assert_eq!(unreachable(&vulnerable, Some(&program(None)), true), None);
        assert_eq!(
            unreachable(&vulnerable, Some(&program(Some(Vec::new()))), true),
            None
        );
        assert_eq!(
            unreachable(&[], Some(&program(Some(vec!["a.b".into()]))), true),
            None
        );
        let windows = [import("os", &["OpenFile"], &["windows"])];
        assert_eq!(unreachable(&windows, None, false), None);
        assert!(
            unreachable(&windows, None, true)
                .unwrap()
                .contains("windows")
        );
    }
}
