// Signs a ticket for a room. Part of the intranet's back end; .NET 6 or newer, nothing to install.
//
//     dotnet new console; then put this into Program.cs
//     dotnet run ROOM PERSON     prints one

using System;
using System.IO;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;

Console.WriteLine(Tickets.Sign(args[0], args[1]));

static class Tickets
{
    public static string Sign(string room, string person, string role = "participant")
    {
        using var key = ECDsa.Create();
        key.ImportFromPem(File.ReadAllText(Env("TICKET_KEY")));
        var header = new { alg = "ES256", typ = "JWT" };
        var claims = new
        {
            iss = Env("INTRANET_URL"),
            aud = Env("CHAT_URL"),
            exp = DateTimeOffset.UtcNow.ToUnixTimeSeconds() + 300,
            jti = Guid.NewGuid().ToString(),
            sub = person,
            room,
            role,
        };
        var signed = Part(JsonSerializer.SerializeToUtf8Bytes(header))
            + "." + Part(JsonSerializer.SerializeToUtf8Bytes(claims));
        // Without another word .NET signs in the form that a JWT has: r and s, 32 bytes each.
        return signed + "." + Part(key.SignData(Encoding.ASCII.GetBytes(signed), HashAlgorithmName.SHA256));
    }

    static string Part(byte[] data) =>
        Convert.ToBase64String(data).TrimEnd('=').Replace('+', '-').Replace('/', '_');

    static string Env(string name) =>
        Environment.GetEnvironmentVariable(name) ?? throw new InvalidOperationException(name + " is not set");
}
