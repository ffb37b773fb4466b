/** The Worker's end of a socket from an object: what is said into it is kept, and a test speaks for the other end. */
export class FakeSocket extends EventTarget {
  readonly said: string[] = [];
  isClosed = false;
  accept() {}
  send(text: string) {
    this.said.push(text);
  }
  close() {
    this.isClosed = true;
  }
  tell(data: string) {
    this.dispatchEvent(new MessageEvent("message", { data }));
  }
  end(code: number) {
    this.dispatchEvent(Object.assign(new Event("close"), { code }));
  }
}
