"""The part of a run inside the kernel.

The kernel's environment need not have jupyter_mlops: these modules use only the standard library, and are loaded there
under another package name (`planting`). Only kernels import them.
"""
