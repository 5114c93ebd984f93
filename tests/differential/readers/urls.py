"""Python's urllib and pydantic's AnyUrl, by which the Python SDK reads the URI of a resource: a JSON string a line in,
its normal forms out."""

import json
import posixpath
import sys
from urllib.parse import quote, unquote, urljoin, urlparse, urlsplit, urlunsplit

from pydantic import AnyUrl, ValidationError


def forms(text):
    """Each reading that a server could go by."""
    try:
        split = urlsplit(text)
        yield urlunsplit(split)
        # The last segment without its parameters.
        parsed = urlparse(text)
        yield urlunsplit((parsed.scheme, parsed.netloc, parsed.path, parsed.query, parsed.fragment))
        yield urljoin(text, "")
        if split.path.startswith("/") and not split.path.endswith("/"):
            # As a path of files: decoded, and with dots resolved; written as a URI again.
            path = posixpath.normpath(unquote(split.path).strip())
            yield urlunsplit((split.scheme, split.netloc, quote(path, safe="/%:@!$&'()*+,;=~"), split.query, split.fragment))
    except ValueError:
        pass
    try:
        yield str(AnyUrl(text))
    except ValidationError:
        pass


for line in sys.stdin:
    print(json.dumps(list(dict.fromkeys(forms(json.loads(line))))))
