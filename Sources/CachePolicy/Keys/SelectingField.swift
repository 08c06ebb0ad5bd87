import HTTPMessage
import NIOCore

/// The values of request fields in the form in which they select a variant: what means the same is
/// written the same (RFC 9111 section 4.1), and what the origin does not get to see is left out.
enum SelectingField {
  /// Appends `:` and the normalized value of a field; false, with nothing written, when the
  /// field's value counts as it is written.
  static func writeNormalized(
    _ known: KnownField, of request: RequestHead, rules: KeyRules, into buffer: inout ByteBuffer
  ) -> Bool {
    switch known {
    case .acceptEncoding: writeCodings(of: request, rules: rules, into: &buffer)
    case .acceptLanguage where !rules.languages.isEmpty:
      writeLanguage(of: request, rules: rules, into: &buffer)
    case .accept, .acceptLanguage:
      rules.normalizesPreferences && writePreferences(known, of: request, into: &buffer)
    case .xForwardedProto: writeText(request.isSecure ? "https" : "http", into: &buffer)
    case .xForwardedHost: writeAuthority(of: request, into: &buffer)
    case .xDeviceClass where rules.includesDeviceClass:
      writeText(DeviceClass(request.fields).name, into: &buffer)
    default: false
    }
  }

  /// The value that the origin gets of Accept-Language where a route names languages.
  static func writeBestLanguage(
    of fields: FieldBlock, rules: KeyRules, into buffer: inout ByteBuffer
  ) {
    let best = PreferenceList.withMembers(.acceptLanguage, of: fields) {
      PreferenceList.bestLanguage($0, of: rules.languages)
    }
    buffer.writeBytes(rules.languages[best ?? 0])
  }

  private static func writeCodings(
    of request: RequestHead, rules: KeyRules, into buffer: inout ByteBuffer
  ) -> Bool {
    guard rules.normalizesAcceptEncoding, request.fields.contains(.acceptEncoding) else {
      return false
    }
    // Another mark than "=" keeps the reduced value apart from one that only looks like it.
    buffer.writeInteger(UInt8(ascii: ":"))
    AcceptedCodings(request.fields).write(into: &buffer)
    return true
  }

  private static func writeLanguage(
    of request: RequestHead, rules: KeyRules, into buffer: inout ByteBuffer
  ) -> Bool {
    buffer.writeInteger(UInt8(ascii: ":"))
    writeBestLanguage(of: request.fields, rules: rules, into: &buffer)
    return true
  }

  private static func writePreferences(
    _ known: KnownField, of request: RequestHead, into buffer: inout ByteBuffer
  ) -> Bool {
    guard request.fields.contains(known) else { return false }
    return PreferenceList.withMembers(known, of: request.fields) { members in
      buffer.writeInteger(UInt8(ascii: ":"))
      PreferenceList.writeCanonical(members, into: &buffer)
      return true
    } ?? false
  }

  /// Of these the origin gets the edge's own word, whatever the client claims.
  private static func writeText(_ text: StaticString, into buffer: inout ByteBuffer) -> Bool {
    buffer.writeInteger(UInt8(ascii: ":"))
    buffer.writeStaticString(text)
    return true
  }

  private static func writeAuthority(
    of request: RequestHead, into buffer: inout ByteBuffer
  ) -> Bool {
    buffer.writeInteger(UInt8(ascii: ":"))
    request.withBytes(request.authority) {
      CacheKeyBuilder.writeHost($0, isSecure: request.isSecure, into: &buffer)
    }
    return true
  }
}
