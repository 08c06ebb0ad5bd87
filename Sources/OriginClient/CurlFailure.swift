import CCurl
import Glibc
import HTTPMessage

/// What a result of libcurl means for a fetch.
enum CurlFailure {
  /// The failure; nil when the response is complete.
  static func of(
    _ transfer: CurlTransfer, _ easy: CurlEasy, _ result: CURLcode
  ) -> OriginFailure? {
    if let failure = transfer.failure { return failure }
    if result == CURLE_OK {
      if transfer.lacksLastChunk { return OriginFailure(.truncated, detail: "last chunk missing") }
      if transfer.parser.isHeadComplete { return nil }
      // libcurl is content with a head that ends in the middle.
      return OriginFailure(
        transfer.parser.hasReceived ? .truncated : .reset, detail: "closed before the head's end")
    }
    let detail = easy.failureText
    let kind = kind(of: transfer, easy, result, detail)
    // Nothing was sent while there was no connection. Later failures are libcurl's last word: a
    // request over a reused connection that turned out closed it has sent again itself.
    return OriginFailure(kind, detail: detail, mayRetry: transfer.stage == .connecting)
  }

  /// Whether the server could not be connected to: another may be.
  static func isConnecting(_ result: CURLcode) -> Bool {
    switch result {
    case CURLE_COULDNT_RESOLVE_HOST, CURLE_COULDNT_CONNECT, CURLE_OPERATION_TIMEDOUT: true
    default: isTLS(result)
    }
  }

  private static func kind(
    of transfer: CurlTransfer, _ easy: CurlEasy, _ result: CURLcode, _ detail: String
  ) -> OriginFailure.Kind {
    switch result {
    case CURLE_COULDNT_RESOLVE_HOST: return .unresolved
    case CURLE_COULDNT_CONNECT: return connectKind(transfer, easy)
    case CURLE_OPERATION_TIMEDOUT:
      return transfer.stage == .connecting ? .connectTimeout : .firstByteTimeout
    case CURLE_PARTIAL_FILE: return .truncated
    case CURLE_RECV_ERROR where detail.contains("chunked-encoding"): return .malformed
    case CURLE_GOT_NOTHING, CURLE_RECV_ERROR, CURLE_SEND_ERROR, CURLE_SEND_FAIL_REWIND:
      return transfer.parser.hasReceived ? .truncated : .reset
    case CURLE_WEIRD_SERVER_REPLY, CURLE_UNSUPPORTED_PROTOCOL, CURLE_BAD_CONTENT_ENCODING,
      CURLE_BAD_FUNCTION_ARGUMENT:
      return .malformed
    // What 7.88 says of a single line of more than its own 100 KiB.
    case CURLE_OUT_OF_MEMORY where transfer.stage != .connecting && !transfer.parser.isHeadComplete:
      return .headTooLarge
    default: return isTLS(result) ? .tls : .other
    }
  }

  private static func connectKind(
    _ transfer: CurlTransfer, _ easy: CurlEasy
  ) -> OriginFailure.Kind {
    if transfer.isAddressRefused { return .unreachable }
    var code = 0
    edge_easy_get_long(easy.handle, CURLINFO_OS_ERRNO, &code)
    switch Int32(truncatingIfNeeded: code) {
    case ECONNREFUSED: return .refused
    case ECONNRESET: return .reset
    case ETIMEDOUT: return .connectTimeout
    default: return .unreachable
    }
  }

  private static func isTLS(_ result: CURLcode) -> Bool {
    switch result {
    case CURLE_SSL_CONNECT_ERROR, CURLE_PEER_FAILED_VERIFICATION, CURLE_SSL_CERTPROBLEM,
      CURLE_SSL_CIPHER, CURLE_SSL_CACERT_BADFILE, CURLE_SSL_SHUTDOWN_FAILED,
      CURLE_SSL_CRL_BADFILE, CURLE_SSL_ISSUER_ERROR, CURLE_SSL_PINNEDPUBKEYNOTMATCH,
      CURLE_SSL_INVALIDCERTSTATUS, CURLE_SSL_ENGINE_NOTFOUND, CURLE_SSL_ENGINE_SETFAILED:
      true
    default: false
    }
  }
}
