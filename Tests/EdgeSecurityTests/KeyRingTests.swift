import Glibc
import Testing

@testable import EdgeSecurity

private func withFolder<Result>(_ body: (String) throws -> Result) throws -> Result {
  var template = Array("/tmp/key-ring-XXXXXX".utf8CString)
  let path = try #require(mkdtemp(&template).map { String(cString: $0) })
  defer {
    for inner in ["/keys", ""] {
      if let stream = opendir(path + inner) {
        while let entry = readdir(stream) {
          let name = withUnsafePointer(to: &entry.pointee.d_name) { pointer in
            pointer.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
          }
          unlink(path + inner + "/" + name)
        }
        closedir(stream)
      }
      rmdir(path + inner)
    }
  }
  return try body(path + "/keys")
}

private func mode(_ path: String) -> mode_t {
  var status = stat()
  return stat(path, &status) == 0 ? status.st_mode & 0o777 : 0
}

struct KeyRingTests {
  @Test func theFirstStartMakesAFolderAndAKeyForItsUserOnly() throws {
    try withFolder { folder in
      let ring = try KeyRing(directory: folder, nowSeconds: 42)
      let key = try #require(ring.current)
      #expect(key.createdSeconds == 42 && key.secret.count == 32)
      #expect(mode(folder) == 0o700)
      #expect(mode(folder + "/" + KeyFile.name(key.identifier)) == 0o600)
      let again = try KeyRing(directory: folder, nowSeconds: 43)
      #expect(again.all.map(\.identifier) == [key.identifier])
      #expect(
        again.current?.secret.withUnsafeBytes { [UInt8]($0) }
          == key.secret.withUnsafeBytes { [UInt8]($0) })
    }
  }

  @Test func theFoldersAboveAreMadeToo() throws {
    try withFolder { folder in
      let path = folder + "/var/cache.keys"
      let ring = try KeyRing(directory: path, nowSeconds: 1)
      #expect(ring.current != nil)
      #expect(mode(folder + "/var") == 0o700 && mode(path) == 0o700)
    }
  }

  @Test(arguments: [0o755, 0o710, 0o702] as [mode_t])
  func aFolderOpenToOthersIsAFault(_ wrong: mode_t) throws {
    try withFolder { folder in
      _ = try KeyRing(directory: folder, nowSeconds: 1)
      chmod(folder, wrong)
      let error = #expect(throws: KeyRingError.self) {
        try KeyRing(directory: folder, nowSeconds: 2)
      }
      #expect(error?.description.contains("chmod 700 \(folder)") == true)
    }
  }

  @Test func aKeyFileOpenToOthersIsAFault() throws {
    try withFolder { folder in
      let ring = try KeyRing(directory: folder, nowSeconds: 1)
      let path = folder + "/" + KeyFile.name(try #require(ring.current).identifier)
      chmod(path, 0o640)
      let error = #expect(throws: KeyRingError.self) {
        try KeyRing(directory: folder, nowSeconds: 2)
      }
      #expect(error?.path == path)
    }
  }

  @Test(.enabled(if: geteuid() == 0, "only root may give a folder away"))
  func anotherUsersFolderIsAFault() throws {
    try withFolder { folder in
      _ = try KeyRing(directory: folder, nowSeconds: 1)
      chown(folder, 12_345, 12_345)
      let error = #expect(throws: KeyRingError.self) { try KeyRing(existing: folder) }
      #expect(error?.reason.contains("12345") == true)
    }
  }

  @Test func rotationMakesTheNewKeyCurrentWhateverTheClockSays() throws {
    try withFolder { folder in
      let ring = try KeyRing(directory: folder, nowSeconds: 1000)
      let second = try ring.rotate(nowSeconds: 10)
      #expect(ring.current?.identifier == second.identifier)
      #expect(second.createdSeconds == 1001)
      #expect(ring.all.count == 2)
    }
  }

  @Test func aKeyIsDueAtItsLifetimeAndNotBefore() throws {
    let ring = KeyRing(inMemoryAt: 100)
    #expect(try ring.rotateIfDue(nowSeconds: 199, lifetimeSeconds: 100) == nil)
    #expect(try ring.rotateIfDue(nowSeconds: 200, lifetimeSeconds: 100) != nil)
    #expect(try ring.rotateIfDue(nowSeconds: 250, lifetimeSeconds: 100) == nil)
  }

  @Test func refreshFollowsTheFolder() throws {
    try withFolder { folder in
      let ring = try KeyRing(directory: folder, nowSeconds: 1)
      let first = try #require(ring.current).identifier
      #expect(try ring.refresh().isEmpty)
      let made = try KeyRing(existing: folder).rotate(nowSeconds: 2).identifier
      #expect(try ring.refresh().added == [made])
      #expect(ring.current?.identifier == made)
      unlink(folder + "/" + KeyFile.name(first))
      #expect(try ring.refresh().missing == [first])
      #expect(ring.key(first) == nil)
    }
  }

  @Test func aDamagedKeyIsNoKeyAndAnotherIsMade() throws {
    try withFolder { folder in
      let first = try #require(try KeyRing(directory: folder, nowSeconds: 1).current)
      let genuine = KeyFile.encode(first)
      for position in genuine.indices {
        var bytes = genuine
        bytes[position] ^= 4
        let found = bytes.withUnsafeBytes {
          KeyFile.decode($0, identifier: first.identifier)
        }
        #expect(found == nil, "byte \(position)")
      }
      let path = folder + "/" + KeyFile.name(first.identifier)
      #expect(truncate(path, 40) == 0)
      let ring = try KeyRing(directory: folder, nowSeconds: 2)
      #expect(ring.damaged == [first.identifier])
      #expect(ring.current != nil && ring.current?.identifier != first.identifier)
    }
  }

  @Test func onlyUnusedOlderKeysAreDeleted() throws {
    try withFolder { folder in
      let ring = try KeyRing(directory: folder, nowSeconds: 1)
      let keys = [try #require(ring.current), try ring.rotate(nowSeconds: 2)]
      let current = try ring.rotate(nowSeconds: 3)
      #expect(ring.removeUnused(keeping: [keys[1].identifier]) == [keys[0].identifier])
      #expect(ring.all.map(\.identifier) == [keys[1].identifier, current.identifier])
      #expect(ring.removeUnused(keeping: []) == [keys[1].identifier])
      #expect(try KeyRing(existing: folder).all.map(\.identifier) == [current.identifier])
    }
  }

  @Test func nothingOfAKeyIsInADescription() throws {
    let key = try #require(KeyRing(inMemoryAt: 1).current)
    var text = "\(key)"
    dump(key, to: &text)
    let bytes = key.secret.withUnsafeBytes { [UInt8]($0) }
    #expect(!text.contains("\(bytes)"))
    #expect(text.contains("SecretBytes(32 bytes)"))
  }
}
