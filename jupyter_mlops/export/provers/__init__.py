"""Running an export on its engine, in local mode: a prover for each target that can be run on one machine."""
