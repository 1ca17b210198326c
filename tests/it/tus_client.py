"""A stock tus client (tuspy), driven step by step: tus_client.py BASE TOKEN FILE PATH STEP [LOCATION].

begin   sends the first two pieces, asks for a wrong offset, and prints where the upload is
finish  goes on from where the server is, with a checksum on every piece
"""

import sys
from urllib.parse import urljoin, urlparse

import requests
from tusclient.client import TusClient

base, token, file, path, step, *rest = sys.argv[1:]
client = TusClient(urljoin(base, path), headers={"Authorization": f"Bearer {token}"})
PIECE = 10_000

if step == "begin":
    uploader = client.uploader(
        file, chunk_size=PIECE, metadata={"filename": "四月.csv", "filetype": "text/csv"}
    )
    uploader.upload_chunk()
    uploader.upload_chunk()
    assert uploader.offset == 2 * PIECE, uploader.offset
    wrong = requests.patch(
        uploader.url,
        data=b"x",
        headers={
            **client.headers,
            "Tus-Resumable": "1.0.0",
            "Upload-Offset": "5",
            "Content-Type": "application/offset+octet-stream",
        },
    )
    assert wrong.status_code == 409, (wrong.status_code, wrong.text)
    print(urlparse(uploader.url).path)
else:
    uploader = client.uploader(
        file, chunk_size=PIECE, url=urljoin(base, rest[0]), upload_checksum=True
    )
    print(uploader.offset)
    uploader.upload()
    assert uploader.offset == uploader.get_file_size()
