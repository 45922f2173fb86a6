"""A process that has imported the modules that kernels need, and forks a kernel on request.

These files use only the standard library, and ipykernel in the interpreter that runs them. That interpreter runs
`__main__.py` with the number of a connected socket. Each message on it is a JSON object with the descriptors that
belong to it:

    {"id", "cmd", "cwd", "env"} + stdin, stdout, stderr, ready  ->  {"id", "pid"} or {"id", "error"}
    when a kernel has ended, without a request                  ->  {"pid", "status"}   (negative: the signal)

A kernel writes one byte to `ready` when its sockets are bound. The process ends when the socket is closed.

Modules that were imported ahead are hidden, so that a kernel starts with the modules of a cold one. `import` restores a
module, with the warning filters and environment variables that its import set, and with its own imports. The server
reports the environment variables that imports read: a kernel that differs in one of them needs another server.

A module is not imported ahead if its import prints, warns or asks the shell for more than is known ahead, because in a
kernel this would appear in a cell. Neither is a module whose import reads the working folder, draws random numbers,
creates a random generator or starts a native thread, unless the server can reproduce the effect in a kernel.

- `main` imports ahead and starts the server; `server` forks kernels on request; `child` turns a fork into a kernel.
- `preload` imports modules and records what each import changes, with `recorders` and `kernel_facade`;
  `preloaded_modules` restores them in a kernel, if `fingerprints` says that an import would find the same files.
"""
