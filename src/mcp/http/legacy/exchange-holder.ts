/** Who answers an exchange of this folder: the engine's news of it find their way through exchange.state. */
import type { HttpExchange } from '../../../transports/http/http-server.js';

export abstract class ExchangeHolder {
  /** The client went away before the answer was complete. */
  abstract onExchangeGone(exchange: HttpExchange): void;

  protected hold(exchange: HttpExchange): void {
    exchange.state = this;
  }
}
