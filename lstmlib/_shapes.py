"""Shapes checked at run time: the annotation of an argument is its contract.

``@checked`` compares every ``Float[np.ndarray, "T B D"]`` of a signature with what is passed; one
letter means one size within a call, so arguments whose axes are swapped raise an error that names
the shapes.
"""

from beartype import BeartypeConf, beartype
from jaxtyping import jaxtyped

# With the numeric tower an int is accepted where a float is asked for, as everywhere in Python.
checked = jaxtyped(typechecker=beartype(conf=BeartypeConf(is_pep484_tower=True)))
