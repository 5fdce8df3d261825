//! Whether a program can run what is vulnerable. Comes in: vulnerable Go packages and functions, the functions that a
//! program links. Goes out: a reason why not, or none. Never: takes a missing table, an unknown name or a command's
//! own package for "not linked".

use crate::feeds::Import;
use model::inventory::Linked;
use model::text::Text;
use std::collections::BTreeSet;

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

/// Whether the program only imports from `module`: another package is its main one, and it links nothing of the
/// module's commands, which some programs run as a part of themselves.
pub(crate) fn is_library(program: &Linked, module: &str) -> bool {
    let Some(functions) = program.functions.as_deref() else {
        return false;
    };
    let below = format!("{module}/");
    let of_module = |package: &str| package == module || package.starts_with(&below);
    let mains = functions
        .iter()
        .filter_map(|function| function.strip_suffix(".main"));
    let mut mains = mains.filter(|package| package.contains('/')).peekable();
    let commands = format!("{module}/cmd/");
    mains.peek().is_some()
        && !mains.any(of_module)
        && within(functions, functions.is_sorted(), &commands)
            .next()
            .is_none()
}

/// Modules that the program links and that no one of `known` is: `github.com/gorilla/mux`. Programs that were built
/// without modules do not say what they are made of.
pub(crate) fn unknown_modules(program: &Linked, known: &[String]) -> BTreeSet<String> {
    let functions = program.functions.as_deref().unwrap_or(&[]);
    let mut found = BTreeSet::new();
    let mut last = "";
    for function in functions {
        let Some(package) = package(function).filter(|package| *package != last) else {
            continue;
        };
        last = package;
        // What Go's own commands vendor is a part of Go.
        let vendored = package
            .rsplit_once("/vendor/")
            .filter(|(own, _)| own.contains('.'));
        let path = vendored.map_or(package, |(_, rest)| rest);
        let is_known = known.iter().any(|module| {
            path.strip_prefix(module.as_str())
                .is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
        });
        if !is_known && let Some(module) = module_of(path) {
            found.insert(module);
        }
    }
    found
}

/// `golang.org/x/net/http2` of `golang.org/x/net/http2.(*Server).ServeConn`.
fn package(function: &str) -> Option<&str> {
    let element = function.rfind('/')?;
    // Arguments of types may hold paths of their own.
    let end = function.get(..function.find('(').unwrap_or(function.len()))?;
    let element = end.rfind('/').unwrap_or(element);
    let dot = element + function.get(element..)?.find('.')?;
    // `gopkg.in/yaml.v2`: the one place where versions stand behind a dot.
    let version = function.get(dot + 1..)?.split('.').next()?;
    let numbered = version
        .strip_prefix('v')
        .is_some_and(|digits| digits.parse::<u8>().is_ok());
    if numbered && function.contains("gopkg.in/") {
        return function.get(..dot + 1 + version.len());
    }
    function.get(..dot)
}

/// The part of an import path that is likely the module; `None`: of the standard library.
fn module_of(path: &str) -> Option<String> {
    let mut parts = path.split('/');
    let host = parts.next().filter(|host| host.contains('.'))?;
    let of_owners = matches!(
        host,
        "github.com" | "gitlab.com" | "bitbucket.org" | "golang.org"
    );
    let more = parts.take(if of_owners { 2 } else { 1 });
    Some(
        std::iter::once(host)
            .chain(more)
            .collect::<Vec<_>>()
            .join("/"),
    )
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
