"""The kernel's side of a run.

The kernel's environment need not have jupyter_mlops: these modules need the standard library alone, and are loaded
there under a name of their own (`planting`). Nobody else imports them.
"""
