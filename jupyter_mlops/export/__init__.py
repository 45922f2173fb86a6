"""Export of versions to the engines that teams already run.

`plan.py` describes a version in the terms that all engines share; each file in `targets/` writes the files of one
engine. Exporters are pure: the same plan gives the same bytes, without network, engine or cluster. Other packages
register exporters with the entry point `jupyter_mlops.exporters`.
"""
