import ArgumentParser
import EdgeSecurity
import Foundation

/// `edge hash-password`
struct HashPasswordCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "hash-password",
    abstract: "Print the hash of a password, for admin.users[].password_hash.",
    discussion: """
      Reads the password from the terminal, twice and without showing it, or the first line of \
      standard input. The hash is scrypt (RFC 7914) with 32 MiB of memory and three passes. Quote \
      it in the file: it has dollar signs and commas.
      """)

  func run() throws {
    let password = try PasswordPrompt.read()
    do {
      print(try PasswordHash(password: password).text)
    } catch {
      printError("edge hash-password: the password \(error)")
      throw CommandExit.failed
    }
  }
}

/// Reads a password without showing it.
enum PasswordPrompt {
  /// From the terminal, twice, or else the first line of standard input.
  static func read() throws -> String {
    guard isatty(STDIN_FILENO) == 1 else {
      guard let line = readLine(strippingNewline: true) else {
        printError("edge hash-password: standard input is empty")
        throw CommandExit.failed
      }
      return line
    }
    let first = hidden("Password: ")
    guard hidden("The same again: ") == first else {
      printError("edge hash-password: the two differ")
      throw CommandExit.failed
    }
    return first
  }

  private static func hidden(_ prompt: String) -> String {
    FileHandle.standardError.write(Data(prompt.utf8))
    var settings = termios()
    tcgetattr(STDIN_FILENO, &settings)
    var quiet = settings
    quiet.c_lflag &= ~tcflag_t(ECHO)
    tcsetattr(STDIN_FILENO, TCSAFLUSH, &quiet)
    defer {
      tcsetattr(STDIN_FILENO, TCSAFLUSH, &settings)
      FileHandle.standardError.write(Data("\n".utf8))
    }
    return readLine(strippingNewline: true) ?? ""
  }
}
