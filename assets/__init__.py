"""What the platform makes: thin Dagster assets, one module per layer or domain.

Belongs here: keys, groups, dependencies, metadata, checks. Does not belong here: how a thing is computed; that is in
``pipeline.<domain>``, which knows no Dagster.
"""
