"""A model behind the OpenAI chat completions API, that answers as it was told to."""

import http.server
import json
import threading


class ModelServer:
    """`answers`: one a call, the last one again and again; a number is an HTTP status; bytes are all that is
    sent before the connection ends."""

    def __init__(self, *answers):
        self.answers = list(answers)
        self.requests = []
        server = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self):
                body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                server.requests.append((self.path, dict(self.headers), body))
                answer = server.answers[0]
                if len(server.answers) > 1:
                    server.answers.pop(0)
                if isinstance(answer, bytes):
                    self.wfile.write(answer)
                    self.close_connection = True
                    return
                status = answer if isinstance(answer, int) else 200
                text = answer if isinstance(answer, str) else json.dumps(answer)
                self.send_response(status)
                if 300 <= status < 400:
                    self.send_header("Location", "/elsewhere")
                self.send_header("Retry-After", "0")
                self.send_header("Content-Length", str(len(text)))
                self.end_headers()
                self.wfile.write(text.encode())

            def log_message(self, *_words):
                pass

        self._http = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._http.server_port}/v1"

    def __enter__(self):
        self._thread = threading.Thread(target=self._http.serve_forever)
        self._thread.start()
        return self

    def __exit__(self, *_error):
        self._http.shutdown()
        self._thread.join()
        self._http.server_close()


def said(text, **more):
    return {"choices": [{"message": {"content": text}, **more.pop("choice", {})}], **more}
