"""The mining engines beside the tools people would otherwise use: ``python -m benchmarks.mining``.

Belongs here: one module of contenders per problem, the data they share, and the harness that runs them. Does not belong
here: tests; whether the results are right is tested in ``tests/unit/mining``.
"""
