// SPDX-License-Identifier: MIT OR Apache-2.0
//! Runs a program under `strace` and reads what it did to its files out of the log. A call that this does not understand
//! is a failure, never skipped; whether it understood all is seen from the files, which must be those of the program.

use crate::disk::{Disk, Node, Op};
use std::collections::BTreeMap;
use std::path::Path;
use std::process::{Command, Stdio};

/// With these words in front, a line that the program writes to its standard output is for us.
pub const SAID: &str = "said: ";

/// Longer than anything that is written at once.
const STRING_BYTES: &str = "8000000";

const CALLS: &str = "trace=open,openat,openat2,creat,close,dup,dup2,dup3,fcntl,lseek,write,pwrite64,writev,pwritev,\
    pwritev2,fsync,fdatasync,sync,syncfs,sync_file_range,rename,renameat,renameat2,link,linkat,symlink,symlinkat,\
    truncate,ftruncate,fallocate,unlink,unlinkat,mkdir,mkdirat,rmdir,copy_file_range,sendfile,splice,io_uring_setup";

/// Runs the program and gives what it did to the files below the folder that it says is its home.
pub fn run(program: &mut Command, log: &Path) -> Vec<Op> {
    let mut strace = Command::new("strace");
    strace.args(["-f", "-xx", "-s", STRING_BYTES, "-e", CALLS, "-o"]).arg(log);
    strace.arg(program.get_program()).args(program.get_args());
    for (name, value) in program.get_envs() {
        strace.env(name, value.unwrap_or_default());
    }
    let done = strace.stdin(Stdio::null()).output();
    let done = done.unwrap_or_else(|error| panic!("strace cannot be run ({error}): `scripts/setup test` installs it"));
    let told = [done.stdout, done.stderr].map(|bytes| String::from_utf8_lossy(&bytes).into_owned()).concat();
    assert!(
        done.status.success(),
        "the recording failed under strace. If strace says that an operation is not permitted, this machine forbids ptrace \
         (in a container: allow SYS_PTRACE), without which nothing is tested here.\n{told}"
    );
    let mut reader = Reader::default();
    whole_lines(&std::fs::read_to_string(log).unwrap()).iter().for_each(|line| reader.read(line));
    assert!(matches!(reader.ops.last(), Some(Op::Said(text)) if text == "end"), "the log has no end:\n{told}");
    reader.ops
}

/// The calls of the log without process numbers. One that was interrupted by another thread's is put together again.
fn whole_lines(log: &str) -> Vec<String> {
    let mut begun: BTreeMap<&str, &str> = BTreeMap::new();
    let mut lines = Vec::new();
    for line in log.lines() {
        let (process, rest) = line.split_once(' ').expect("a process and a call");
        let rest = rest.trim_start();
        if let Some(front) = rest.strip_suffix(" <unfinished ...>") {
            begun.insert(process, front);
        } else if rest.starts_with("<... ") {
            let (_, behind) = rest.split_once(" resumed>").expect("the rest of a call");
            lines.push([begun.remove(process).expect("its beginning"), behind].concat());
        } else if !rest.starts_with("+++") && !rest.starts_with("---") {
            lines.push(rest.into());
        }
    }
    lines
}

struct Call<'a> {
    name: &'a str,
    arguments: Vec<&'a str>,
    result: usize,
}

impl<'a> Call<'a> {
    /// None if the call failed: it has changed nothing.
    fn parse(line: &'a str) -> Option<Call<'a>> {
        let (call, result) = line.rsplit_once(" = ").unwrap_or_else(|| panic!("no result: {line:.200}"));
        let result = result.split(' ').next()?.parse().ok()?;
        let (name, arguments) = call.trim_end().strip_suffix(')')?.split_once('(')?;
        Some(Call { name, arguments: arguments.split(", ").collect(), result })
    }

    fn number(&self, place: usize) -> usize {
        let text = self.arguments[place];
        text.parse().unwrap_or_else(|_| panic!("{}: {text:.80} is no number", self.name))
    }

    fn last(&self) -> usize {
        self.number(self.arguments.len() - 1)
    }

    fn has(&self, flag: &str) -> bool {
        self.arguments.iter().any(|argument| argument.split('|').any(|one| one == flag))
    }

    /// The bytes in all its strings.
    fn bytes(&self) -> Vec<u8> {
        self.strings().concat()
    }

    fn strings(&self) -> Vec<Vec<u8>> {
        self.arguments.iter().filter_map(|argument| quoted(argument)).collect()
    }

    fn paths(&self) -> Vec<String> {
        self.strings().into_iter().map(|bytes| String::from_utf8(bytes).unwrap()).collect()
    }
}

/// The bytes of `..."\x12\x34"...`.
fn quoted(argument: &str) -> Option<Vec<u8>> {
    let (_, behind) = argument.split_once('"')?;
    let (text, rest) = behind.split_once('"').expect("a string ends");
    assert!(!rest.starts_with("..."), "the log has a string that is cut off");
    let bytes = text.split("\\x").skip(1).map(|digits| u8::from_str_radix(digits, 16).unwrap());
    Some(bytes.collect())
}

struct Handle {
    node: Node,
    at: usize,
    append: bool,
}

#[derive(Default)]
struct Reader {
    ops: Vec<Op>,
    home: Option<String>,
    /// As it is for the program.
    live: Disk,
    handles: BTreeMap<usize, Handle>,
    nodes: u32,
}

impl Reader {
    fn read(&mut self, line: &str) {
        let Some(call) = Call::parse(line) else { return };
        match call.name {
            "write" | "writev" if call.number(0) == 1 => self.hear(&call),
            _ if self.home.is_none() => {}
            "open" | "openat" => self.open(&call),
            "close" => drop(self.handles.remove(&call.number(0))),
            "write" | "writev" => self.write(&call, None),
            "pwrite64" | "pwritev" => self.write(&call, Some(call.last())),
            "lseek" => self.seek(&call),
            "fsync" | "fdatasync" => self.of(call.number(0)).map_or((), |node| self.push(Op::Sync(node))),
            "ftruncate" => self.resize(&call, call.number(1)),
            "fallocate" => self.allocate(&call),
            "mkdir" | "mkdirat" => self.make_folder(&call),
            "unlink" | "unlinkat" | "rmdir" => self.remove(&call),
            "rename" | "renameat" | "renameat2" => self.rename(&call),
            "fcntl" if !call.arguments[1].starts_with("F_DUPFD") => {}
            // It makes nothing durable that anybody could rely on.
            "sync_file_range" => {}
            _ => self.refuse(&call),
        }
    }

    fn push(&mut self, op: Op) {
        self.live.apply(&op);
        self.ops.push(op);
    }

    fn hear(&mut self, call: &Call<'_>) {
        let bytes = call.bytes();
        let text = String::from_utf8_lossy(&bytes);
        let said = text.split(SAID).nth(1).map(|said| said.trim_end().to_owned());
        match said.as_deref().map(|said| (said, said.strip_prefix("home "))) {
            Some((_, Some(home))) => self.home = Some(home.into()),
            Some((said, None)) => self.push(Op::Said(said.into())),
            None => {}
        }
    }

    /// A call that is not understood must be about something else.
    fn refuse(&self, call: &Call<'_>) {
        let about_handle = call.arguments.iter().any(|text| text.parse().is_ok_and(|n: usize| self.of(n).is_some()));
        let about_path = call.paths().iter().any(|path| self.below(path).is_some());
        let about_all = ["sync", "io_uring_setup"].contains(&call.name);
        assert!(!about_handle && !about_path && !about_all, "{} is not understood", call.name);
    }

    fn of(&self, handle: usize) -> Option<Node> {
        self.handles.get(&handle).map(|handle| handle.node)
    }

    /// The path below the home.
    fn below(&self, path: &str) -> Option<String> {
        assert!(path.starts_with('/') || self.handles.is_empty() || !path.contains('/'), "{path} is relative");
        let rest = path.strip_prefix(self.home.as_deref()?)?;
        (rest.is_empty() || rest.starts_with('/')).then(|| rest.to_owned())
    }

    /// The folder of a path below the home, and the name in it.
    fn place(&self, path: &str) -> Option<(Node, String)> {
        let below = self.below(path)?;
        let (folder, name) = below.rsplit_once('/')?;
        Some((self.live.find(folder).expect("its folder is there"), name.into()))
    }

    fn new_node(&mut self, kind: fn(u32) -> Node) -> Node {
        self.nodes += 1;
        kind(self.nodes)
    }

    fn open(&mut self, call: &Call<'_>) {
        let path = call.paths().remove(0);
        self.handles.remove(&call.result);
        let Some(below) = self.below(&path) else { return };
        let node = self.live.find(&below).unwrap_or_else(|| {
            assert!(call.has("O_CREAT"), "{below} was opened and is not known");
            let (folder, name) = self.place(&path).expect("a name");
            let file = self.new_node(Node::File);
            self.push(Op::Names { folder, changes: vec![(name, Some(file))] });
            file
        });
        if call.has("O_TRUNC") && self.live.length(node) > 0 {
            self.push(Op::Resize { file: node, length: 0 });
        }
        self.handles.insert(call.result, Handle { node, at: 0, append: call.has("O_APPEND") });
    }

    fn write(&mut self, call: &Call<'_>, at: Option<usize>) {
        let Some(handle) = self.handles.get_mut(&call.number(0)) else { return };
        let file = handle.node;
        let length = self.live.length(file);
        let at = at.unwrap_or(if handle.append { length } else { handle.at });
        handle.at = at + call.result;
        let mut bytes = call.bytes();
        assert!(bytes.len() >= call.result, "the log has fewer bytes than were written");
        bytes.truncate(call.result);
        self.push(Op::Write { file, at, bytes });
    }

    fn seek(&mut self, call: &Call<'_>) {
        if let Some(handle) = self.handles.get_mut(&call.number(0)) {
            handle.at = call.result;
        }
    }

    fn resize(&mut self, call: &Call<'_>, length: usize) {
        if let Some(file) = self.of(call.number(0)) {
            self.push(Op::Resize { file, length });
        }
    }

    fn allocate(&mut self, call: &Call<'_>) {
        let Some(file) = self.of(call.number(0)) else { return };
        assert_eq!(call.arguments[1], "0", "a mode of fallocate that is not understood");
        let length = self.live.length(file).max(call.number(2) + call.number(3));
        self.push(Op::Resize { file, length });
    }

    fn make_folder(&mut self, call: &Call<'_>) {
        let Some((folder, name)) = self.place(&call.paths()[0]) else { return };
        let made = self.new_node(Node::Folder);
        self.push(Op::Names { folder, changes: vec![(name, Some(made))] });
    }

    fn remove(&mut self, call: &Call<'_>) {
        let Some((folder, name)) = self.place(&call.paths()[0]) else { return };
        self.push(Op::Names { folder, changes: vec![(name, None)] });
    }

    fn rename(&mut self, call: &Call<'_>) {
        assert!(!call.has("RENAME_EXCHANGE"), "an exchange of names is not understood");
        let paths = call.paths();
        let (Some((from, old)), Some((to, new))) = (self.place(&paths[0]), self.place(&paths[1])) else { return };
        assert_eq!(from, to, "a rename from folder to folder is not understood");
        let node = self.live.find(&self.below(&paths[0]).expect("below")).expect("what is renamed is known");
        self.push(Op::Names { folder: from, changes: vec![(old, None), (new, Some(node))] });
    }
}
